import { Buffer } from "node:buffer";

const LF = 10;
const CR = 13;
/** No provider sends a chunk of this size; something else is talking to us. */
const EVENT_LENGTH_MAX = 1_048_576;

/** Told of every event with data. Comments and events without data are dropped on the way. */
export type OnEvent = (data: string, event: string) => void;

class EventTooLongError extends Error {}

/**
 * Cuts a byte stream into server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html.
 * Made for little work per chunk: whole lines are decoded at once, so that no character is cut, and
 * only what comes after the last line end is kept.
 */
export class SseReader {
  readonly #onEvent: OnEvent;
  /** Bytes after the last line end. */
  #rest: Uint8Array | null = null;
  /** The last byte was a CR, so that an LF that follows belongs to it. */
  #endedWithCr = false;
  #isAtStart = true;
  #data: string | null = null;
  #event = "";

  constructor(onEvent: OnEvent) {
    this.#onEvent = onEvent;
  }

  /** Throws `EventTooLongError` when a line or an event grows without end. */
  push(chunk: Uint8Array): void {
    const bytes = this.#endedWithCr && chunk[0] === LF ? chunk.subarray(1) : chunk;
    if (chunk.length > 0) this.#endedWithCr = chunk[chunk.length - 1] === CR;
    if (bytes.length === 0) return;
    const joined = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = linesEnd(joined);
    if (joined.length - end > EVENT_LENGTH_MAX) throw new EventTooLongError();
    this.#rest = end === joined.length ? null : joined.subarray(end);
    if (end > 0) this.#readLines(decode(joined, end));
  }

  /** The stream is over: a last event without its empty line counts. */
  end(): void {
    if (this.#rest !== null) this.#readLines(`${decode(this.#rest, this.#rest.length)}\n`);
    this.#rest = null;
    this.#dispatch();
  }

  #readLines(text: string): void {
    let lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    if (this.#isAtStart) {
      this.#isAtStart = false;
      if (lines.startsWith("\ufeff")) lines = lines.slice(1);
    }
    let from = 0;
    let to = lines.indexOf("\n");
    while (to !== -1) {
      if (to === from) this.#dispatch();
      else this.#readLine(lines, from, to);
      from = to + 1;
      to = lines.indexOf("\n", from);
    }
  }

  #readLine(lines: string, from: number, to: number): void {
    if (lines.startsWith("data:", from)) {
      const start = from + (lines[from + 5] === " " ? 6 : 5);
      this.#addData(lines.slice(start, to));
    } else if (lines.startsWith("event:", from)) {
      this.#event = lines.slice(from + 6, to).trimStart();
    } else if (to - from === 4 && lines.startsWith("data", from)) {
      this.#addData("");
    }
  }

  #addData(data: string): void {
    this.#data = this.#data === null ? data : `${this.#data}\n${data}`;
    if (this.#data.length > EVENT_LENGTH_MAX) throw new EventTooLongError();
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event;
    this.#data = null;
    this.#event = "";
    if (data !== null) this.#onEvent(data, event);
  }
}

/** Behind the last line end; mostly that is the last byte. */
function linesEnd(bytes: Uint8Array): number {
  if (bytes[bytes.length - 1] === LF) return bytes.length;
  return Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR)) + 1;
}

function decode(bytes: Uint8Array, end: number): string {
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, end);
  return buffer.toString("utf8", 0, end);
}
