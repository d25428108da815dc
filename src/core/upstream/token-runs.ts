import { extend } from "./token-hash.ts";
import { NONE, type TokenIndex } from "./token-index.ts";

const BYTE_VALUES = 256;

/** What is known of a byte that is repeated. */
interface Run {
  /** By the number of times, the longest token of that byte alone that fits. */
  readonly tokens: readonly number[];
  /** By the number of times, the hash of so many; as long as a token begins like that. */
  readonly hashes: readonly number[];
}

/**
 * Finds the longest token at a place in a run of one byte. A vocabulary has tokens of nearly every
 * length for blanks, slashes and dashes, so that looking byte by byte takes as many steps as the run
 * is long, at every place of it: here it takes one.
 */
export class TokenRuns {
  readonly #index: TokenIndex;
  readonly #runs: (Run | undefined)[] = new Array(BYTE_VALUES);
  /** The run that was last met, in bytes that have not changed since. */
  #start = 0;
  #end = 0;

  constructor(index: TokenIndex) {
    this.#index = index;
  }

  /** The bytes are other ones now. */
  forget(): void {
    this.#end = 0;
  }

  /** As the index's `longest`, and as exact. */
  longest(bytes: Uint8Array, at: number, end: number): number {
    const length = this.#runEnd(bytes, at, end) - at;
    const { tokens, hashes } = this.#runOf(bytes[at] as number);
    const known = Math.min(length, tokens.length - 1);
    const token = tokens[known] as number;
    // Longer tokens have other bytes behind the run.
    if (at + length === end || length >= hashes.length) return token;
    return this.#index.longestAfter(hashes[length] as number, token, bytes, at, at + length, end);
  }

  #runEnd(bytes: Uint8Array, at: number, end: number): number {
    if (at >= this.#start && at < this.#end) return this.#end;
    const byte = bytes[at];
    let stop = at + 1;
    while (stop < end && bytes[stop] === byte) stop += 1;
    this.#start = at;
    this.#end = stop;
    return stop;
  }

  #runOf(byte: number): Run {
    const known = this.#runs[byte];
    if (known !== undefined) return known;
    const bytes = new Uint8Array(BYTE_VALUES).fill(byte);
    const tokens = [NONE];
    const hashes = [0];
    for (let length = 1; length <= bytes.length; length++) {
      const hash = extend(hashes[length - 1] as number, byte);
      if (!this.#index.mayBegin(hash)) break;
      const token = this.#index.find(bytes, 0, length);
      tokens.push(token === NONE ? (tokens[length - 1] as number) : token);
      hashes.push(hash);
    }
    const run = { tokens, hashes };
    this.#runs[byte] = run;
    return run;
  }
}
