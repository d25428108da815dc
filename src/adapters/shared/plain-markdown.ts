import { lexer, type MarkedToken, type Token, type Tokens } from "marked";

const BULLET = "•";
const RULE = "──────────";
const INDENT = "  ";
const QUOTE = "> ";
const CELL_GAP = " | ";
const ADDRESS_END = /: [a-z][a-z0-9+.-]*:\S+$/i;
const LINE_BREAK = /^<br\s*\/?>$/i;
/** Deeper lists and quotations than a phone can show are written as they stand. */
const DEPTH_MAX = 16;

/** How deep in lists and quotations we are, and what stands before each line of a list. */
interface Place {
  readonly depth: number;
  readonly indent: string;
}

/**
 * Turns Markdown, as language models write it, into text for a platform that shows text as it is:
 * lists, rules and tables are drawn with characters, links show their address, code and HTML stay.
 * What cannot be understood, or leaves nothing to read, comes back unchanged.
 */
export function toPlainText(markdown: string): string {
  try {
    const text = blocks(lexer(markdown), { depth: 0, indent: "" }, "\n\n").trim();
    return text === "" ? markdown : text;
  } catch {
    // Thousands of ">" in a row exhaust the stack of the Markdown parser.
    return markdown;
  }
}

function blocks(tokens: readonly Token[], place: Place, gap: string): string {
  // No extension is installed, so every token is one of marked's own.
  return (tokens as readonly MarkedToken[])
    .filter(({ type }) => type !== "space" && type !== "def" && type !== "checkbox")
    .map((token) => block(token, place))
    .join(gap);
}

function block(token: MarkedToken, place: Place): string {
  switch (token.type) {
    case "heading":
      return inline(token.tokens);
    case "code":
      return token.text;
    case "blockquote":
      return quotation(token, place);
    case "list":
      return list(token, place);
    case "table":
      return [token.header, ...token.rows].map(row).join("\n");
    case "hr":
      return RULE;
    case "html":
      return token.text.trim();
    default:
      return inline([token]);
  }
}

function quotation(quote: Tokens.Blockquote, place: Place): string {
  if (place.depth >= DEPTH_MAX) return quote.text;
  const text = blocks(quote.tokens, { depth: place.depth + 1, indent: "" }, "\n");
  return text
    .split("\n")
    .map((line) => QUOTE + line)
    .join("\n");
}

function list(token: Tokens.List, place: Place): string {
  if (place.depth >= DEPTH_MAX) return token.raw.trim();
  const first = token.start === "" ? 1 : token.start;
  const inside = { depth: place.depth + 1, indent: place.indent + INDENT };
  return token.items
    .map((item, index) => {
      const number = token.ordered ? `${first + index}.` : BULLET;
      const mark = item.task ? (item.checked ? "☑" : "☐") : number;
      return `${place.indent}${mark} ${listItem(item.tokens, inside)}`;
    })
    .join("\n");
}

function listItem(tokens: readonly Token[], inside: Place): string {
  const parts = (tokens as readonly MarkedToken[]).filter(
    ({ type }) => type !== "space" && type !== "checkbox",
  );
  return parts
    .map((token, index) => {
      // A nested list brings its own indentation; code and quotations start at the margin.
      const isText = token.type === "text" || token.type === "paragraph";
      const gap = index > 0 || !isText ? "\n" : "";
      const indent = index > 0 && isText ? inside.indent : "";
      return gap + indent + block(token, inside);
    })
    .join("");
}

function row(cells: readonly Tokens.TableCell[]): string {
  return cells.map((cell) => inline(cell.tokens).replace(/\s+/g, " ").trim()).join(CELL_GAP);
}

function inline(tokens: readonly Token[]): string {
  let text = "";
  for (const token of tokens as readonly MarkedToken[]) {
    const part = inlineToken(token);
    // Phones make an address tappable by themselves, with all that touches it.
    const isTouching = ADDRESS_END.test(text) && !/^\s/.test(part) && part !== "";
    text += isTouching ? ` ${part}` : part;
  }
  return text;
}

function inlineToken(token: MarkedToken): string {
  switch (token.type) {
    case "br":
      return "\n";
    case "checkbox":
      return "";
    case "link":
      return withAddress(inline(token.tokens), token);
    case "image":
      return withAddress(`🖼 ${token.text}`.trim(), token);
    case "html":
      return LINE_BREAK.test(token.text) ? "\n" : token.text;
    case "codespan":
      return token.text;
    default: {
      if ("tokens" in token && token.tokens !== undefined) return inline(token.tokens);
      return "text" in token ? token.text : token.raw;
    }
  }
}

function withAddress(label: string, { href, raw }: Tokens.Link | Tokens.Image): string {
  const isBare = !raw.startsWith("[") && !raw.startsWith("!");
  return isBare || label === href || href === "" ? label : `${label}: ${href}`;
}
