import type { BytePairEncoder } from "./token-encoder.ts";
import { NONE } from "./token-index.ts";

/** Bytes at the end of a growing piece that are counted again each time: two of o200k's longest tokens. */
const WINDOW_BYTES = 256;

/**
 * Counts the tokens of one piece again and again while it grows, each time from shortly before where
 * it ended last.
 *
 * This is exact. Tokens whose neighbours may all stand together are the encoding, however they were
 * found; and where the old tokens do not go on into the new end, the whole piece is counted.
 */
export class GrowingPiece {
  readonly #encoder: BytePairEncoder;
  readonly #lengths: Uint8Array;
  readonly #windowBytes: number;
  #start = NONE;
  /** Up to here the piece has `count` tokens, of which `last` is the last. */
  #known = 0;
  #count = 0;
  #last = NONE;

  constructor(encoder: BytePairEncoder, lengths: Uint8Array, windowBytes = WINDOW_BYTES) {
    this.#encoder = encoder;
    this.#lengths = lengths;
    this.#windowBytes = windowBytes;
  }

  forget(): void {
    this.#start = NONE;
  }

  /** The tokens of `bytes[start … end]`. */
  count(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < 2 * this.#windowBytes) return this.#encoder.count(bytes, start, end);
    if (this.#start !== start || this.#known >= end) this.#restart(start);
    let more = this.#encoder.countAfter(this.#last, bytes, this.#known, end);
    if (more === NONE) {
      this.#restart(start);
      more = this.#encoder.countAfter(NONE, bytes, start, end);
    }
    const total = this.#count + more;
    this.#keep(more, end);
    return total;
  }

  #restart(start: number): void {
    this.#start = start;
    this.#known = start;
    this.#count = 0;
    this.#last = NONE;
  }

  #keep(tokens: number, end: number): void {
    let kept = tokens;
    let known = end;
    while (kept > 0 && known > end - this.#windowBytes) {
      kept -= 1;
      known -= this.#lengths[this.#encoder.tokenAt(kept)] as number;
    }
    if (kept === 0) return;
    this.#known = known;
    this.#count += kept;
    this.#last = this.#encoder.tokenAt(kept - 1);
  }
}
