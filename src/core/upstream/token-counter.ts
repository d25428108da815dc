import { BytePairEncoder } from "./token-encoder.ts";
import { GrowingPiece } from "./token-growing-piece.ts";
import { PieceScanner } from "./token-pieces.ts";
import type { TokenTable } from "./token-table.ts";

/** Counts tokens as tiktoken's o200k_base does. */
export interface TokenCounter {
  /** Exact count of a whole text. Never blocks longer than 50 ms for 100 000 characters. */
  count(text: string): number;
  /** A counter for a text that arrives in pieces; `total` after every piece equals `count` of all pieces so far joined. */
  startCount(): RunningTokenCount;
}

/**
 * The tokens of a text that is still arriving. Adding takes time linear in the delta; reading `total` that
 * of a few hundred characters, however long the text.
 */
export interface RunningTokenCount {
  /** A delta may end or begin anywhere, also between the halves of a surrogate pair. */
  add(delta: string): void;
  readonly total: number;
}

/** Loads the counter on first use so that start-up does not pay for it. */
export type LoadTokenCounter = () => Promise<TokenCounter>;

/** Counts with any vocabulary that o200k's split pattern belongs to. */
export class BytePairTokenCounter implements TokenCounter {
  readonly #table: TokenTable;
  readonly #encoder: BytePairEncoder;

  constructor(table: TokenTable) {
    this.#table = table;
    this.#encoder = new BytePairEncoder(table);
  }

  count(text: string): number {
    const running = this.startCount();
    running.add(text);
    return running.total;
  }

  startCount(): RunningTokenCount {
    return new TailCount(this.#encoder, this.#table.lengths);
  }
}

const FLUSH_UNITS = 256;
const SLICE_UNITS = 16_384;
const BYTES_PER_UNIT_MAX = 3;
const utf8 = new TextEncoder();

/**
 * Counts pieces for good as soon as no further text can change where they end, and keeps only the
 * tail behind them.
 *
 * The tail is two pieces at most that can be long: one that is still growing, and what it leaves over
 * if it does not go on, such as capitals after Chinese. Each has its own memory of how far it was read.
 */
class TailCount implements RunningTokenCount {
  readonly #encoder: BytePairEncoder;
  readonly #firstScanner = new PieceScanner();
  readonly #firstPiece: GrowingPiece;
  readonly #nextScanner = new PieceScanner();
  readonly #nextPiece: GrowingPiece;
  /** Text that is not yet in `bytes`: few characters, or the first half of a surrogate pair. */
  #waiting = "";
  #bytes = new Uint8Array(0);
  #length = 0;
  #settled = 0;

  constructor(encoder: BytePairEncoder, lengths: Uint8Array) {
    this.#encoder = encoder;
    this.#firstPiece = new GrowingPiece(encoder, lengths);
    this.#nextPiece = new GrowingPiece(encoder, lengths);
  }

  add(delta: string): void {
    this.#waiting += delta;
    if (this.#waiting.length >= FLUSH_UNITS) this.#flush();
  }

  get total(): number {
    this.#flush();
    const end = this.#length;
    if (this.#waiting === "") return this.#settled + this.#countTail(end);
    // A half that stands alone counts as U+FFFD; but the other half may still come.
    this.#reserve(this.#waiting.length);
    const { written } = utf8.encodeInto(this.#waiting, this.#bytes.subarray(end));
    const total = this.#settled + this.#countTail(end + written);
    this.#forgetTail();
    return total;
  }

  #flush(): void {
    const text = this.#waiting;
    const stop = endsInHighSurrogate(text, text.length) ? text.length - 1 : text.length;
    for (let from = 0; from < stop; ) {
      let to = Math.min(from + SLICE_UNITS, stop);
      if (to < stop && endsInHighSurrogate(text, to)) to -= 1;
      this.#reserve(to - from);
      const slice = text.slice(from, to);
      this.#length += utf8.encodeInto(slice, this.#bytes.subarray(this.#length)).written;
      this.#settle();
      from = to;
    }
    this.#waiting = text.slice(stop);
  }

  /** Counts what is certain, and keeps the rest. */
  #settle(): void {
    let start = 0;
    for (;;) {
      const stop = this.#firstScanner.next(this.#bytes, start, this.#length);
      if (this.#firstScanner.sawEnd) break;
      const piece = start === 0 ? this.#firstPiece : this.#encoder;
      this.#settled += piece.count(this.#bytes, start, stop);
      start = stop;
    }
    if (start === 0) return;
    this.#bytes.copyWithin(0, start, this.#length);
    this.#length -= start;
    this.#firstScanner.shift(start);
    this.#firstPiece.forget();
    this.#nextScanner.forget();
    this.#nextPiece.forget();
  }

  #countTail(end: number): number {
    let count = 0;
    for (let start = 0; start < end; ) {
      const scanner = start === 0 ? this.#firstScanner : this.#nextScanner;
      const piece = start === 0 ? this.#firstPiece : this.#nextPiece;
      const stop = scanner.next(this.#bytes, start, end);
      count += piece.count(this.#bytes, start, stop);
      start = stop;
    }
    return count;
  }

  #forgetTail(): void {
    this.#firstScanner.forget();
    this.#nextScanner.forget();
  }

  #reserve(units: number): void {
    const needed = this.#length + units * BYTES_PER_UNIT_MAX;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(needed * 2);
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

function endsInHighSurrogate(text: string, length: number): boolean {
  return (text.charCodeAt(length - 1) & 0xfc00) === 0xd800;
}
