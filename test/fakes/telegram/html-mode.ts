import { badRequest } from "./bot-api-error.ts";
import type { Entity, FormattedText } from "./entities.ts";

const TAGS: Readonly<Record<string, string>> = {
  b: "bold",
  strong: "bold",
  i: "italic",
  em: "italic",
  u: "underline",
  ins: "underline",
  s: "strikethrough",
  strike: "strikethrough",
  del: "strikethrough",
  "tg-spoiler": "spoiler",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  a: "text_link",
};
const CHARACTERS: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

const PIECE = /<(\/?)([a-z-]*)([^>]*)>|&(#x?[\da-f]+|[a-z]+);|[\s\S]/giu;

interface Open {
  readonly tag: string;
  readonly offset: number;
  readonly attributes: string;
}

/** Telegram's HTML: few tags, each one closed. https://core.telegram.org/bots/api#html-style */
export function parseHtml(source: string): FormattedText {
  const entities: Entity[] = [];
  const open: Open[] = [];
  let text = "";
  for (const piece of source.matchAll(PIECE)) {
    const [whole, slash, tag, attributes = "", reference] = piece;
    const byteOffset = Buffer.byteLength(source.slice(0, piece.index));
    if (tag === undefined) {
      text += reference === undefined ? whole : decode(reference, whole);
    } else if (slash === "/") {
      const top = open.pop();
      if (top?.tag !== tag.toLowerCase()) throw unmatched(byteOffset, top, tag);
      const entity = toEntity(top, text.length);
      if (entity.length > 0 && !isLanguageOnly(top, open)) entities.push(entity);
    } else {
      if (TAGS[tag.toLowerCase()] === undefined) {
        throw parseError(`Unsupported start tag "${tag}" at byte offset ${byteOffset}`);
      }
      open.push({ tag: tag.toLowerCase(), offset: text.length, attributes });
    }
  }
  const [left] = open;
  if (left !== undefined) {
    throw parseError(`Can't find end tag corresponding to start tag "${left.tag}"`);
  }
  return { text, entities };
}

function toEntity({ tag, offset, attributes }: Open, end: number): Entity {
  const url = /href="([^"]*)"/i.exec(attributes)?.[1];
  const type = TAGS[tag] ?? tag;
  return {
    type: /\bexpandable\b/.test(attributes) ? "expandable_blockquote" : type,
    offset,
    length: end - offset,
    ...(type === "text_link" && { url: url ?? "" }),
  };
}

/** `<pre><code class="language-x">`: the inner tag only names the language. */
function isLanguageOnly(closed: Open, open: readonly Open[]): boolean {
  return closed.tag === "code" && open.at(-1)?.tag === "pre";
}

function decode(reference: string, whole: string): string {
  if (!reference.startsWith("#")) return CHARACTERS[reference.toLowerCase()] ?? whole;
  const isHex = /^#x/i.test(reference);
  return String.fromCodePoint(Number.parseInt(reference.slice(isHex ? 2 : 1), isHex ? 16 : 10));
}

function unmatched(byteOffset: number, top: Open | undefined, tag: string): Error {
  return parseError(
    top === undefined
      ? `Unexpected end tag at byte offset ${byteOffset}`
      : `Unmatched end tag at byte offset ${byteOffset}, expected "</${top.tag}>", found "</${tag}>"`,
  );
}

function parseError(reason: string): Error {
  return badRequest(`can't parse entities: ${reason}`);
}
