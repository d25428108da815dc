import type { TokenTrie } from "./token-trie.ts";
import { type RankedTokens, TokenTrieBuilder } from "./token-trie-builder.ts";

const NO_TOKEN = 0x7fffffff;
const TOKENS_PER_STEP = 16_384;

/**
 * What byte pair encoding needs to know about a vocabulary.
 *
 * The encoding of a text is the one row of tokens in which all neighbours could stand together
 * (`mayFollow`). So it is found by reading from left to right, without merging anything: see
 * `BytePairEncoder`.
 */
export class TokenTable {
  readonly trie: TokenTrie;
  /** Bytes of each token. */
  readonly lengths: Uint8Array;
  /** The longest other token that each token begins with; -1 where there is none. */
  readonly shorter: Int32Array;
  /** The two tokens whose merge gives token `t`, at `t * 2`; twice itself for a single byte. */
  readonly #halves: Int32Array;
  /** Where two halves hash to: the token they give plus one, 0 when free. */
  readonly #pairs: Int32Array;
  /** One bit for the hash of each pair: most pairs give nothing, and this says so from little memory. */
  readonly #mayMerge = new Int32Array(2 ** 16);
  readonly #pairShift: number;

  private constructor(tokenCount: number, trie: TokenTrie, shorter: Int32Array) {
    this.trie = trie;
    this.shorter = shorter;
    this.lengths = new Uint8Array(tokenCount);
    this.#halves = new Int32Array(tokenCount * 2);
    const bits = Math.ceil(Math.log2(tokenCount * 2));
    this.#pairs = new Int32Array(2 ** bits);
    this.#pairShift = 32 - bits;
  }

  /** Builds the table in steps of a few milliseconds, so that the caller can let others run in between. */
  static *build(tokens: RankedTokens): Generator<void, TokenTable> {
    const builder = new TokenTrieBuilder(tokens);
    const trie = yield* builder.build();
    // Where every byte is a token, every text has an encoding.
    for (const byte of Uint8Array.from({ length: 256 }, (_, index) => index)) {
      if (trie.find(Uint8Array.of(byte), 0, 1) < 0) throw new Error(`byte ${byte} is no token`);
    }
    const table = new TokenTable(tokens.ends.length, trie, builder.shorter);
    for (let first = 0; first < tokens.ends.length; first += TOKENS_PER_STEP) {
      table.#splitTokens(tokens, first);
      yield;
    }
    return table;
  }

  /** Whether byte pair encoding can leave these two tokens side by side. */
  mayFollow(left: number, right: number): boolean {
    const halves = this.#halves;
    // Undoes the merges on both sides, the last first. A merge across the border that comes before
    // one of them would have happened, and then the two tokens would not be there.
    let limit = NO_TOKEN;
    for (;;) {
      if (this.#merged(left, right) < limit) return false;
      if (left > right) {
        limit = left;
        left = halves[left * 2 + 1] as number;
        if (left !== limit) continue;
        limit = right + 1;
        right = halves[right * 2] as number;
        if (right + 1 === limit) return true;
      } else {
        limit = right + 1;
        right = halves[right * 2] as number;
        if (right + 1 !== limit) continue;
        limit = left;
        left = halves[left * 2 + 1] as number;
        if (left === limit) return true;
      }
    }
  }

  #splitTokens({ bytes, ends }: RankedTokens, first: number): void {
    let start = first === 0 ? 0 : (ends[first - 1] as number);
    const stop = Math.min(first + TOKENS_PER_STEP, ends.length);
    for (let token = first; token < stop; token++) {
      const end = ends[token] as number;
      this.lengths[token] = end - start;
      this.#split(token, bytes, start, end);
      start = end;
    }
  }

  #split(token: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start === 1) {
      this.#halves.fill(token, token * 2, token * 2 + 2);
      return;
    }
    let left = this.shorter[token] as number;
    for (; left >= 0; left = this.shorter[left] as number) {
      if (left > token) continue;
      const right = this.trie.find(bytes, start + (this.lengths[left] as number), end);
      if (right < 0 || right > token || !this.mayFollow(left, right)) continue;
      this.#halves[token * 2] = left;
      this.#halves[token * 2 + 1] = right;
      const hash = pairHash(left, right);
      this.#mayMerge[hash >>> 16] = (this.#mayMerge[hash >>> 16] as number) | (1 << (hash >>> 11));
      let slot = hash >>> this.#pairShift;
      while (this.#pairs[slot] !== 0) slot = (slot + 1) & (this.#pairs.length - 1);
      this.#pairs[slot] = token + 1;
      return;
    }
    throw new Error(`no merge gives token ${token}`);
  }

  /** The token that the two merge to, or a number above all. */
  #merged(left: number, right: number): number {
    const hash = pairHash(left, right);
    if ((((this.#mayMerge[hash >>> 16] as number) >>> (hash >>> 11)) & 1) === 0) return NO_TOKEN;
    const halves = this.#halves;
    const mask = this.#pairs.length - 1;
    for (let slot = hash >>> this.#pairShift; ; slot = (slot + 1) & mask) {
      const token = (this.#pairs[slot] as number) - 1;
      if (token < 0) return NO_TOKEN;
      if (halves[token * 2] === left && halves[token * 2 + 1] === right) return token;
    }
  }
}

function pairHash(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) + Math.imul(right, 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
}
