import { lexer, type MarkedToken, type Tokens } from "marked";
import { alignTable } from "../shared/text-table.ts";

// Discord knows three kinds of headings.
// https://support.discord.com/hc/en-us/articles/210298617
const HEADING_DEPTH_MAX = 3;
const RULE = "──────────";
/** A code span of any length, or a picture. */
const CODE_OR_PICTURE =
  /(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)|!\[([^\]]*)\]\(\s*<?([^\s)>]+)>?[^)]*\)/g;
/** Characters that Discord may take for markup, and an address, in which they are meant. */
const ADDRESS_OR_MARK = /https?:\/\/\S+|[\\*_~`|<[\]]/g;
const LINE_MARK = /^([ \t]*)([>#+-]|\d+\.(?= ))/gm;
/** What would only show its marks inside code. */
const STYLE_MARKS = /\*\*|__|~~|`/g;
const FENCE = "```";
/** Looks the same, and ends no code block. */
const BROKEN_FENCE = "`\u200b``";

/**
 * Markdown as language models write it, as Discord shows it. Discord reads most of it itself;
 * what it does not know is drawn: tables, deep headings, rules, pictures, code in other fences.
 */
export function adaptMarkdown(markdown: string): string {
  try {
    // No extension is installed, so every token is one of marked's own.
    return (lexer(markdown) as MarkedToken[]).map(adaptBlock).join("");
  } catch {
    // Thousands of ">" in a row exhaust the stack of the Markdown parser.
    return markdown;
  }
}

/** A text that Discord shows as it is. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(ADDRESS_OR_MARK, (found) => (found.length === 1 ? `\\${found}` : found))
    .replace(LINE_MARK, (_, indent: string, mark: string) =>
      mark.length === 1 ? `${indent}\\${mark}` : `${indent}${mark.slice(0, -1)}\\.`,
    );
}

function adaptBlock(token: MarkedToken): string {
  const end = /\n*$/.exec(token.raw)?.[0] ?? "";
  switch (token.type) {
    case "table":
      return `${FENCE}\n${alignTable(token, cellText)}\n${FENCE}${end}`;
    case "heading":
      return adaptHeading(token) + end;
    case "hr":
      return RULE + end;
    case "code":
      return adaptCode(token, end);
    case "html":
      return token.raw;
    default:
      return token.raw.replace(CODE_OR_PICTURE, adaptPicture);
  }
}

function cellText({ text }: Tokens.TableCell): string {
  return text.replace(STYLE_MARKS, "").replace(/\s+/g, " ").trim();
}

function adaptHeading({ depth, text }: Tokens.Heading): string {
  const title = text.replace(CODE_OR_PICTURE, adaptPicture);
  if (title === "") return "";
  return depth <= HEADING_DEPTH_MAX ? `${"#".repeat(depth)} ${title}` : `**${unstyled(title)}**`;
}

/** Bold in bold would end it. */
function unstyled(title: string): string {
  return title.replaceAll("**", "");
}

function adaptCode({ text, lang, raw }: Tokens.Code, end: string): string {
  // A block that still grows has no end yet; Discord waits for one.
  const isPlainFence = raw.startsWith(FENCE) && !raw.startsWith(`${FENCE}\``);
  if (isPlainFence) return raw;
  const language = /^[\w+#.-]{1,32}/.exec(lang ?? "")?.[0] ?? "";
  return `${FENCE}${language}\n${text.replaceAll(FENCE, BROKEN_FENCE)}\n${FENCE}${end}`;
}

function adaptPicture(found: string, ticks?: string, alt?: string, url?: string): string {
  if (ticks !== undefined || url === undefined) return found;
  return `[${alt === undefined || alt === "" ? "🖼" : alt}](${url})`;
}
