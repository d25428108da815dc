import { lexer, type MarkedToken, type Token, type Tokens } from "marked";

const BULLET = "•";
const RULE = "————————";
const INDENT = "  ";
const COLUMN_GAP = " | ";
const LINE_BREAK = /^<br\s*\/?>$/i;

/**
 * Markdown, as language models write it, as text that reads well where nothing can be formatted:
 * marks disappear, headings and lists are drawn, code stands as it is, tables become lines.
 * HTML stays text.
 */
export function toPlainText(markdown: string): string {
  try {
    return blocks(lexer(markdown), "\n\n").trim();
  } catch {
    // Thousands of ">" in a row exhaust the stack of the Markdown parser.
    return markdown.trim();
  }
}

function blocks(tokens: readonly Token[], gap: string): string {
  // No extension is installed, so every token is one of marked's own.
  return (tokens as readonly MarkedToken[])
    .filter(({ type }) => type !== "space" && type !== "def" && type !== "checkbox")
    .map(block)
    .join(gap);
}

function block(token: MarkedToken): string {
  switch (token.type) {
    case "heading":
      return heading(inline(token.tokens));
    case "code":
      return token.text;
    case "blockquote":
      return prefixed(blocks(token.tokens, "\n"), "> ");
    case "list":
      return list(token);
    case "table":
      return table(token);
    case "hr":
      return RULE;
    case "html":
      return token.text.trim();
    default:
      return inline([token]);
  }
}

function heading(title: string): string {
  return title === "" ? "" : `【${title}】`;
}

function list({ items, ordered, start }: Tokens.List): string {
  const first = start === "" ? 1 : start;
  return items
    .map((item, index) => {
      const number = ordered ? `${first + index}.` : BULLET;
      const mark = item.task ? (item.checked ? "☑" : "☐") : number;
      const content = blocks(item.tokens, "\n");
      return `${mark} ${prefixed(content, INDENT).trimStart()}`;
    })
    .join("\n");
}

/** A person reads a row better than columns that no font keeps in line. */
function table({ header, rows }: Tokens.Table): string {
  const line = (cells: readonly Tokens.TableCell[]) =>
    cells.map(({ tokens }) => inline(tokens).replace(/\s+/g, " ")).join(COLUMN_GAP);
  return [line(header), ...rows.map(line)].join("\n");
}

function prefixed(text: string, prefix: string): string {
  return text.replace(/^(?=.)/gm, prefix);
}

function inline(tokens: readonly Token[]): string {
  return (tokens as readonly MarkedToken[]).map(inlineToken).join("");
}

function inlineToken(token: MarkedToken): string {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return inline(token.tokens);
    case "br":
      return "\n";
    case "checkbox":
      return "";
    case "link":
      return withAddress(inline(token.tokens), token);
    case "image":
      return withAddress(token.text, token);
    case "html":
      return LINE_BREAK.test(token.text) ? "\n" : token.text;
    case "text":
    case "paragraph":
      return token.tokens === undefined ? token.text : inline(token.tokens);
    default:
      return "text" in token ? token.text : token.raw;
  }
}

/** The colon, because a bracket after an address would become part of the link. */
function withAddress(text: string, { href, raw }: Tokens.Link | Tokens.Image): string {
  const isBare = !raw.startsWith("[") && !raw.startsWith("!");
  if (isBare || text === href || !/^https?:/i.test(href)) return text;
  return text === "" ? href : `${text}: ${href}`;
}
