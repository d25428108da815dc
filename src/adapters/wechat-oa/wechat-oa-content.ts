import type { OutgoingFile, OutgoingMessage } from "../../core/chat/chat-adapter.ts";
import { splitMarkdown } from "../../core/chat/split-text.ts";
import { countBytes } from "../../core/chat/text-limits.ts";
import { toPlainText } from "../shared/plain-markdown.ts";
import { cleanText } from "./wechat-oa-xml.ts";

// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
export const TEXT_BYTES_MAX = 2_048;
/** WeChat refuses a message without any. */
const NOTHING = "…";
const ELLIPSIS = "…";
/** WeChat would show a link in place of what a person shall read, or copy, as code. */
const LINK_TAG = /<(?=\/?a\b)/gi;
const INVISIBLE = "\u200b";

/** The text as a person shall see it, never longer than WeChat takes. */
export function toWechatText({ text, format }: Pick<OutgoingMessage, "text" | "format">): string {
  const source = cleanText(text);
  const shown = format === "markdown" ? toPlainText(source) : source;
  // Lists and links grow a little. What no longer fits is shown as it was written, which does.
  const forms = [withoutLinkTags(shown), withoutLinkTags(source), source];
  const fitting = forms.find((form) => countBytes(form) <= TEXT_BYTES_MAX);
  const fitted = fitting ?? shortenBytes(source, TEXT_BYTES_MAX);
  return fitted.trim() === "" ? NOTHING : fitted;
}

/** A file in messages of text, in order: there are no files here. Whole lines stay whole. */
export function fileMessages({ caption, content }: OutgoingFile): string[] {
  const text = [caption, content].filter((part) => part.trim() !== "").join("\n\n");
  return splitMarkdown(cleanText(text), { lengthMax: TEXT_BYTES_MAX, bytesMax: TEXT_BYTES_MAX });
}

/** At most `bytesMax` bytes of UTF-8, never half a character. */
export function shortenBytes(text: string, bytesMax: number): string {
  if (countBytes(text) <= bytesMax) return text;
  const roomBytes = bytesMax - countBytes(ELLIPSIS);
  let shortened = "";
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > roomBytes) break;
    shortened += character;
  }
  return shortened + ELLIPSIS;
}

function withoutLinkTags(text: string): string {
  return text.replaceAll(LINK_TAG, `<${INVISIBLE}`);
}
