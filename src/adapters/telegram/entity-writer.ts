import type { MessageEntity } from "grammy/types";

/** Text as Telegram shows it: formatting stands beside it, offsets count UTF-16 code units. */
export interface FormattedText {
  readonly text: string;
  readonly entities: MessageEntity[];
}

type Style = "bold" | "italic" | "strikethrough" | "blockquote";
type Span = { readonly type: Style } | { readonly type: "text_link"; readonly url: string };

interface OpenSpan {
  readonly span: Span;
  start: number;
}

/**
 * Builds a text together with its formatting. Keeps Telegram's nesting rules: code holds and is
 * held by nothing but a quotation, links hold no code, a style is not put into itself.
 * https://core.telegram.org/bots/api#messageentity
 */
export class EntityWriter {
  readonly #entities: MessageEntity[] = [];
  readonly #open: OpenSpan[] = [];
  #text = "";

  write(text: string): void {
    this.#text += text;
  }

  styled(type: Style, writeContent: () => void): void {
    this.#within({ type }, writeContent);
  }

  /** `url` must be one that Telegram takes: it refuses the whole message for a bad one. */
  linked(url: string, writeContent: () => void): void {
    this.#within({ type: "text_link", url }, writeContent);
  }

  code(text: string): void {
    this.#verbatim(text, (range) => ({ type: "code", ...range }));
  }

  /** `language` is empty when unknown. */
  pre(text: string, language: string): void {
    this.#verbatim(text, (range) =>
      language === "" ? { type: "pre", ...range } : { type: "pre", ...range, language },
    );
  }

  /** Without the space around it, which Telegram would cut off anyway. */
  finish(): FormattedText {
    const text = this.#text.trim();
    const skipped = this.#text.length - this.#text.trimStart().length;
    const entities = this.#entities.flatMap((entity) => {
      const start = Math.max(entity.offset - skipped, 0);
      const end = Math.min(entity.offset + entity.length - skipped, text.length);
      return end > start ? [{ ...entity, offset: start, length: end - start }] : [];
    });
    return { text, entities: entities.sort(byPosition) };
  }

  #within(span: Span, writeContent: () => void): void {
    if (this.#open.some((open) => open.span.type === span.type)) {
      writeContent();
      return;
    }
    this.#open.push({ span, start: this.#text.length });
    writeContent();
    const open = this.#open.pop();
    if (open !== undefined) this.#close(open);
  }

  #verbatim(
    text: string,
    toEntity: (range: { offset: number; length: number }) => MessageEntity,
  ): void {
    const isInLink = this.#open.some(({ span }) => span.type === "text_link");
    if (isInLink || text === "") {
      this.write(text);
      return;
    }
    const interrupted = this.#open.filter(({ span }) => span.type !== "blockquote");
    for (const open of interrupted) this.#close(open);
    this.#entities.push(toEntity({ offset: this.#text.length, length: text.length }));
    this.write(text);
    for (const open of interrupted) open.start = this.#text.length;
  }

  #close({ span, start }: OpenSpan): void {
    const length = this.#text.length - start;
    if (length > 0) this.#entities.push({ ...span, offset: start, length });
  }
}

/** Outer before inner. */
function byPosition(a: MessageEntity, b: MessageEntity): number {
  return a.offset - b.offset || b.length - a.length;
}
