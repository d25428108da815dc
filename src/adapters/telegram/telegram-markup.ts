import { lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { alignTable } from "../shared/text-table.ts";
import { EntityWriter, type FormattedText } from "./entity-writer.ts";
import { isLinkable, linkAddress } from "./telegram-link.ts";

const BULLET = "•";
const RULE = "──────────";
const INDENT = "  ";
/** Deeper lists and quotations than a phone can show are written without further structure. */
const DEPTH_MAX = 16;

/** How deep in lists and quotations we are, and how many of those are lists. */
interface Place {
  readonly depth: number;
  readonly indent: string;
}

/**
 * Turns Markdown, as language models write it, into text with entities. What has no counterpart
 * is drawn with characters: lists, rules, tables (aligned, in a fixed width). HTML stays text.
 * `null` when nothing is left to read, or when it is nested beyond reason.
 */
export function formatMarkdown(markdown: string): FormattedText | null {
  const writer = new EntityWriter();
  try {
    writeBlocks(lexer(markdown), writer, { depth: 0, indent: "" }, "\n\n");
  } catch {
    // Thousands of ">" in a row exhaust the stack of the Markdown parser.
    return null;
  }
  const formatted = writer.finish();
  return formatted.text === "" ? null : formatted;
}

function writeBlocks(tokens: Token[], writer: EntityWriter, place: Place, gap: string): void {
  let isFirst = true;
  // No extension is installed, so every token is one of marked's own.
  for (const token of tokens as MarkedToken[]) {
    if (token.type === "space" || token.type === "def" || token.type === "checkbox") continue;
    if (!isFirst) writer.write(gap);
    isFirst = false;
    writeBlock(token, writer, place);
  }
}

function writeBlock(token: MarkedToken, writer: EntityWriter, place: Place): void {
  switch (token.type) {
    case "heading":
      writer.styled("bold", () => writeInline(token.tokens, writer));
      return;
    case "code":
      writer.pre(token.text, language(token));
      return;
    case "blockquote":
      writeQuotation(token, writer, place);
      return;
    case "list":
      writeList(token, writer, place);
      return;
    case "table":
      writer.pre(
        alignTable(token, ({ tokens }) => plainInline(tokens)),
        "",
      );
      return;
    case "hr":
      writer.write(RULE);
      return;
    case "html":
      writer.write(token.text.trim());
      return;
    default:
      writeInline([token], writer);
  }
}

function writeQuotation(quotation: Tokens.Blockquote, writer: EntityWriter, place: Place): void {
  if (place.depth >= DEPTH_MAX) {
    writer.write(quotation.text);
    return;
  }
  const inside = { depth: place.depth + 1, indent: "" };
  writer.styled("blockquote", () => writeBlocks(quotation.tokens, writer, inside, "\n"));
}

function writeList(list: Tokens.List, writer: EntityWriter, place: Place): void {
  if (place.depth >= DEPTH_MAX) {
    writer.write(list.raw.trim());
    return;
  }
  const first = list.start === "" ? 1 : list.start;
  for (const [index, item] of list.items.entries()) {
    if (index > 0) writer.write("\n");
    const number = list.ordered ? `${first + index}.` : BULLET;
    const mark = item.task ? (item.checked ? "☑" : "☐") : number;
    writer.write(`${place.indent}${mark} `);
    writeItem(item.tokens, writer, { depth: place.depth + 1, indent: place.indent + INDENT });
  }
}

function writeItem(tokens: Token[], writer: EntityWriter, inside: Place): void {
  let isFirst = true;
  for (const token of tokens as MarkedToken[]) {
    if (token.type === "space" || token.type === "checkbox") continue;
    // A nested list brings its own indentation; code and quotations start at the margin.
    const isText = token.type === "text" || token.type === "paragraph";
    if (!isFirst || !isText) writer.write("\n");
    if (!isFirst && isText) writer.write(inside.indent);
    isFirst = false;
    writeBlock(token, writer, inside);
  }
}

function writeInline(tokens: Token[], writer: EntityWriter): void {
  for (const token of tokens as MarkedToken[]) {
    switch (token.type) {
      case "strong":
        writer.styled("bold", () => writeInline(token.tokens, writer));
        break;
      case "em":
        writer.styled("italic", () => writeInline(token.tokens, writer));
        break;
      case "del":
        writer.styled("strikethrough", () => writeInline(token.tokens, writer));
        break;
      case "codespan":
        writer.code(token.text);
        break;
      case "br":
        writer.write("\n");
        break;
      case "checkbox":
        break;
      case "link":
        writeLink(token, () => writeInline(token.tokens, writer), writer);
        break;
      case "image":
        writeLink(token, () => writer.write(`🖼 ${token.text}`.trim()), writer);
        break;
      case "html":
        writer.write(LINE_BREAK.test(token.text) ? "\n" : token.text);
        break;
      case "text":
      case "paragraph":
        if (token.tokens === undefined) writer.write(token.text);
        else writeInline(token.tokens, writer);
        break;
      default:
        writer.write("text" in token ? token.text : token.raw);
    }
  }
}

const LINE_BREAK = /^<br\s*\/?>$/i;

function writeLink(
  { href, raw, text }: Tokens.Link | Tokens.Image,
  writeContent: () => void,
  writer: EntityWriter,
): void {
  // Telegram finds bare addresses by itself, and shows no warning before opening those.
  const isBare = !raw.startsWith("[") && !raw.startsWith("!");
  if (!isBare && isLinkable(href)) {
    writer.linked(href, writeContent);
    return;
  }
  writeContent();
  const address = linkAddress(href);
  if (!isBare && address !== null && address !== text) writer.write(` (${address})`);
}

function language(code: Tokens.Code): string {
  return /^[\w+#.-]{1,32}/.exec(code.lang ?? "")?.[0] ?? "";
}

function plainInline(tokens: Token[]): string {
  const writer = new EntityWriter();
  writeInline(tokens, writer);
  return writer.finish().text.replace(/\s+/g, " ");
}
