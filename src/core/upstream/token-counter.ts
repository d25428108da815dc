import { BytePairEncoder } from "./token-encoder.ts";
import { GrowingPiece } from "./token-growing-piece.ts";
import type { TokenIndex } from "./token-index.ts";
import { PieceScanner } from "./token-pieces.ts";

/** Counts tokens as tiktoken's o200k_base does. */
export interface TokenCounter {
  /** Exact count of a whole text. Never blocks longer than 50 ms for 100 000 characters. */
  count(text: string): number;
  /**
   * A counter for a text that arrives in pieces; `total` after every piece equals `count` of all
   * pieces so far joined.
   */
  startCount(): RunningTokenCount;
}

/**
 * The tokens of a text that is still arriving. To add takes time linear in the delta; to read `total`
 * takes that of counting some hundred characters, however long the text and its last word are.
 */
export interface RunningTokenCount {
  /** A delta may end or begin anywhere, also between the halves of a surrogate pair. */
  add(delta: string): void;
  readonly total: number;
}

/** Loads the counter on first use so that start-up does not pay for it. */
export type LoadTokenCounter = () => Promise<TokenCounter>;

/** Counts with the tokens it is given and o200k's split pattern. */
export class BytePairTokenCounter implements TokenCounter {
  readonly #index: TokenIndex;
  readonly #encoder: BytePairEncoder;

  constructor(index: TokenIndex) {
    this.#index = index;
    this.#encoder = new BytePairEncoder(index);
  }

  count(text: string): number {
    const running = this.startCount();
    running.add(text);
    return running.total;
  }

  startCount(): RunningTokenCount {
    return new TailCount(this.#encoder, this.#index.lengths);
  }
}

/** Deltas are gathered until they are worth a call of the encoder. */
const FLUSH_UNITS = 256;
const SLICE_UNITS = 16_384;
const BYTES_PER_UNIT_MAX = 3;
const utf8 = new TextEncoder();

/**
 * Counts pieces for good once no further text can move their ends, and keeps only the tail behind
 * them.
 *
 * Two pieces of the tail may be long: the first, which still grows, and what it leaves over if it
 * does not go on, such as capitals after Chinese. Each remembers how far it was read.
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
    if (this.#waiting === "") return this.#settled + this.#countTail(this.#length);
    // Half a surrogate pair alone counts as U+FFFD, but its other half may still come and replace that.
    const tail = this.#countTail(this.#append(this.#waiting));
    this.#firstScanner.forget();
    this.#nextScanner.forget();
    return this.#settled + tail;
  }

  #flush(): void {
    const text = this.#waiting;
    const stop = endsInHighSurrogate(text, text.length) ? text.length - 1 : text.length;
    for (let from = 0; from < stop; ) {
      let to = Math.min(from + SLICE_UNITS, stop);
      if (to < stop && endsInHighSurrogate(text, to)) to -= 1;
      this.#length = this.#append(text.slice(from, to));
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

  /** Writes the text behind the tail and answers where it ends. Half a surrogate pair becomes U+FFFD. */
  #append(text: string): number {
    const needed = this.#length + text.length * BYTES_PER_UNIT_MAX;
    if (needed > this.#bytes.length) {
      const bytes = new Uint8Array(needed * 2);
      bytes.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = bytes;
    }
    return this.#length + utf8.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }
}

function endsInHighSurrogate(text: string, length: number): boolean {
  return (text.charCodeAt(length - 1) & 0xfc00) === 0xd800;
}
