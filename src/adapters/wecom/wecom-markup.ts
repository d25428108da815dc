// A stream and a message of ours hold 20480 bytes.
// https://developer.work.weixin.qq.com/document/path/101463
const CONTENT_BYTES_MAX = 20_480;
/** A little less, for what `shownText` adds. */
export const TEXT_BYTES_MAX = 20_000;
const ELLIPSIS = "…";

/**
 * A text as WeCom gets it. WeCom reads Markdown as models write it, tables and code included, and
 * has no way to show a text without that, so both formats are the same here. Nobody is ever
 * notified by what a model writes, whoever it mentions, and what is still too long is cut.
 */
export function shownText(text: string): string {
  // An empty text would leave the person with nothing but a moving dot.
  if (text.trim() === "") return ELLIPSIS;
  // WeCom takes <@userid> for a mention.
  // https://developer.work.weixin.qq.com/document/path/99110
  return cutToBytes(text.toWellFormed().replaceAll("<@", "< @"), CONTENT_BYTES_MAX);
}

/** At most `bytesMax` bytes of UTF-8, never half a character. */
export function cutToBytes(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let bytes = Buffer.byteLength(ELLIPSIS);
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    end += character.length;
  }
  return text.slice(0, end) + ELLIPSIS;
}
