import { badRequest } from "./bot-api-error.ts";
import type { Entity, FormattedText } from "./entities.ts";

const RESERVED = "_*[]()~`>#+-=|{}.!";
/** Longest first: "__" is an underline before it is two italics. */
const MARKS = [
  ["||", "spoiler", "Spoiler"],
  ["__", "underline", "Underline"],
  ["*", "bold", "Bold"],
  ["_", "italic", "Italic"],
  ["~", "strikethrough", "Strikethrough"],
] as const;

interface Open {
  readonly mark: string;
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly source: number;
}

/**
 * Telegram's MarkdownV2, as strict as the original: everything reserved must be escaped and
 * everything opened must be closed. https://core.telegram.org/bots/api#markdownv2-style
 */
export function parseMarkdownV2(source: string): FormattedText {
  return new MarkdownParser(source).parse();
}

class MarkdownParser {
  readonly #source: string;
  readonly #entities: Entity[] = [];
  readonly #open: Open[] = [];
  #text = "";
  #at = 0;
  #quoteStart: number | null = null;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): FormattedText {
    while (this.#at < this.#source.length) this.#step();
    const open = this.#open.at(-1);
    if (open !== undefined) throw this.#unclosed(open.name, open.source);
    this.#endQuotation();
    return { text: this.#text, entities: this.#entities };
  }

  #step(): void {
    const isLineStart = this.#at === 0 || this.#source.charAt(this.#at - 1) === "\n";
    const character = this.#source.charAt(this.#at);
    if (isLineStart && character === ">") {
      this.#quoteStart ??= this.#text.length;
      this.#at += 1;
      return;
    }
    if (isLineStart && this.#quoteStart !== null) this.#endQuotation();
    if (character === "\\") this.#escaped();
    else if (character === "`") this.#code();
    else if (character === "[") this.#push({ mark: "[", name: "TextUrl", type: "text_link" });
    else if (character === "]") this.#link();
    else this.#markOrText(character);
  }

  #markOrText(character: string): void {
    const mark = MARKS.find(([text]) => this.#source.startsWith(text, this.#at));
    if (mark !== undefined) {
      this.#toggle(mark[0], mark[1], mark[2]);
      return;
    }
    if (RESERVED.includes(character)) {
      throw badRequest(
        `can't parse entities: Character '${character}' is reserved and must be escaped with the preceding '\\'`,
      );
    }
    this.#text += character;
    this.#at += 1;
  }

  #escaped(): void {
    const next = this.#source.charAt(this.#at + 1);
    const isEscape = next !== "" && next.charCodeAt(0) <= 126;
    this.#text += isEscape ? next : "\\";
    this.#at += isEscape ? 2 : 1;
  }

  #push({ mark, name, type }: Pick<Open, "mark" | "name" | "type">): void {
    this.#open.push({ mark, name, type, offset: this.#text.length, source: this.#at });
    this.#at += mark.length;
  }

  #toggle(mark: string, type: string, name: string): void {
    const top = this.#open.at(-1);
    if (top?.mark === mark) {
      this.#open.pop();
      this.#add({ type, offset: top.offset });
      this.#at += mark.length;
    } else if (this.#open.some((open) => open.mark === mark)) {
      throw this.#unclosed(top?.name ?? name, top?.source ?? this.#at);
    } else {
      this.#push({ mark, name, type });
    }
  }

  #code(): void {
    const isBlock = this.#source.startsWith("```", this.#at);
    const mark = isBlock ? "```" : "`";
    const name = isBlock ? "Pre" : "Code";
    const start = this.#at;
    const offset = this.#text.length;
    this.#at += mark.length;
    const language = isBlock ? /^([^\s`]+)\n/.exec(this.#source.slice(this.#at))?.[1] : undefined;
    if (language !== undefined) this.#at += language.length;
    if (isBlock && this.#source.charAt(this.#at) === "\n") this.#at += 1;
    while (!this.#source.startsWith(mark, this.#at)) {
      if (this.#at >= this.#source.length) throw this.#unclosed(name, start);
      if (this.#source.charAt(this.#at) === "\\") this.#escaped();
      else this.#text += this.#source.charAt(this.#at++);
    }
    this.#at += mark.length;
    this.#add({ type: name.toLowerCase(), offset, ...(language !== undefined && { language }) });
  }

  #link(): void {
    const open = this.#open.at(-1);
    if (open?.mark !== "[") {
      throw badRequest(
        "can't parse entities: Character ']' is reserved and must be escaped with the preceding '\\'",
      );
    }
    const target = /^\]\(((?:\\[\s\S]|[^)\\])*)\)/.exec(this.#source.slice(this.#at));
    if (target === null) throw this.#unclosed(open.name, open.source);
    this.#open.pop();
    this.#at += target[0].length;
    const url = (target[1] ?? "").replace(/\\([\s\S])/g, "$1");
    this.#add({ type: "text_link", offset: open.offset, url });
  }

  #endQuotation(): void {
    if (this.#quoteStart === null) return;
    this.#add({ type: "blockquote", offset: this.#quoteStart });
    this.#quoteStart = null;
  }

  #add(entity: Omit<Entity, "length">): void {
    const length = this.#text.length - entity.offset;
    if (length > 0) this.#entities.push({ ...entity, length });
  }

  #unclosed(name: string, source: number): Error {
    const byteOffset = Buffer.byteLength(this.#source.slice(0, source));
    return badRequest(
      `can't parse entities: Can't find end of ${name} entity at byte offset ${byteOffset}`,
    );
  }
}
