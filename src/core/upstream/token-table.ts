import type { TokenTrie } from "./token-trie.ts";
import { type RankedTokens, TokenTrieBuilder } from "./token-trie-builder.ts";

const NO_TOKEN = 0x7fffffff;
const TOKENS_PER_STEP = 32_768;
const BYTE_VALUES = 256;
const LENGTH_MAX = 255;

/** What is kept of a token, at four times its rank. A half is written plus one, and is 0 until asked for. */
const LEFT = 0;
const RIGHT = 1;
const HASH = 2;
/** What the hash of the bytes before this token is multiplied by when it is joined to them. */
const FACTOR = 3;

const HASH_BASE = 0x01000193;
const MIX = 0x9e3779b1;
/** 32 768 answers. */
const ANSWER_SHIFT = 32 - 15;

/**
 * What byte pair encoding needs to know about a vocabulary in which every token is what its own bytes
 * are merged to, as in any that was learnt by merging.
 *
 * The encoding of a text is then the one row of tokens in which all neighbours could stand together
 * (`mayFollow`). So it is found by reading from left to right, without merging anything: see
 * `BytePairEncoder`.
 */
export class TokenTable {
  readonly trie: TokenTrie;
  /** Bytes of each token. */
  readonly lengths: Uint8Array;
  /** The longest other token that each token begins with; -1 where there is none. */
  readonly shorter: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #ends: Uint32Array;
  readonly #facts: Int32Array;
  /** Where the hash of a token's bytes leads: the token plus one, 0 when free. */
  readonly #byHash: Int32Array;
  readonly #hashShift: number;
  /** One bit for each hash: most pairs of tokens make no token, and this says so from little memory. */
  readonly #isHash = new Int32Array(2 ** 16);
  /**
   * Answers of `mayFollow`: the left token, then twice the right one and 1 for yes. Runs of one
   * character, where every question takes long, ask few questions many times.
   */
  readonly #answers = new Int32Array(2 ** (32 - ANSWER_SHIFT + 1)).fill(-1);

  private constructor({ bytes, ends }: RankedTokens, trie: TokenTrie, shorter: Int32Array) {
    this.trie = trie;
    this.shorter = shorter;
    this.lengths = new Uint8Array(ends.length);
    this.#bytes = bytes;
    this.#ends = ends;
    this.#facts = new Int32Array(ends.length * 4);
    const bits = Math.ceil(Math.log2(ends.length * 2));
    this.#byHash = new Int32Array(2 ** bits);
    this.#hashShift = 32 - bits;
  }

  /** Builds the table in steps of a few milliseconds, so that the caller can let others run in between. */
  static *build(tokens: RankedTokens): Generator<void, TokenTable> {
    const builder = new TokenTrieBuilder(tokens);
    const trie = yield* builder.build();
    const table = new TokenTable(tokens, trie, builder.shorter);
    for (let first = 0; first < tokens.ends.length; first += TOKENS_PER_STEP) {
      table.#addTokens(first, Math.min(first + TOKENS_PER_STEP, tokens.ends.length));
      yield;
    }
    for (let byte = 0; byte < BYTE_VALUES; byte++) {
      if (trie.find(Uint8Array.of(byte), 0, 1) < 0) throw new Error(`byte ${byte} is no token`);
    }
    return table;
  }

  /** Whether byte pair encoding can leave these two tokens side by side. */
  mayFollow(left: number, right: number): boolean {
    const at = (mix(Math.imul(left, HASH_BASE) + right) >>> ANSWER_SHIFT) * 2;
    const question = right * 2 + 1;
    if (this.#answers[at] === left && ((this.#answers[at + 1] as number) | 1) === question) {
      return this.#answers[at + 1] === question;
    }
    const answer = this.#staysApart(left, right, NO_TOKEN);
    this.#answers[at] = left;
    this.#answers[at + 1] = answer ? question : question - 1;
    return answer;
  }

  /** Whether the two tokens still stand side by side when all merges of a rank below `before` are done. */
  #staysApart(leftToken: number, rightToken: number, before: number): boolean {
    // Undoes the merges that made them, the last first. A merge across the border that comes before
    // one of these would have been done, and then the two tokens would not be there.
    let left = leftToken;
    let right = rightToken;
    let limit = before;
    for (;;) {
      if (this.#merged(left, right) < limit) return false;
      if (left > right) {
        limit = left;
        left = this.#half(left, RIGHT);
        if (left !== limit) continue;
        limit = right + 1;
        right = this.#half(right, LEFT);
        if (right + 1 === limit) return true;
      } else {
        // Of equals the left one is merged first, so the right one is undone first.
        limit = right + 1;
        right = this.#half(right, LEFT);
        if (right + 1 !== limit) continue;
        limit = left;
        left = this.#half(left, RIGHT);
        if (left === limit) return true;
      }
    }
  }

  /** One of the two tokens whose merge gives this one. A single byte is its own half. */
  #half(token: number, side: typeof LEFT | typeof RIGHT): number {
    const half = this.#facts[token * 4 + side] as number;
    if (half !== 0) return half - 1;
    this.#split(token);
    return (this.#facts[token * 4 + side] as number) - 1;
  }

  // On demand: most tokens are never met, and all at once would double the time to load.
  #split(token: number): void {
    const end = this.#ends[token] as number;
    const start = end - (this.lengths[token] as number);
    let left = token;
    let right = token;
    if (end - start > 1) {
      do {
        left = this.shorter[left] as number;
        if (left < 0) throw new Error(`no merge gives token ${token}`);
        right = this.trie.find(this.#bytes, start + (this.lengths[left] as number), end);
      } while (left > token || right < 0 || right > token || !this.#staysApart(left, right, token));
    }
    this.#facts[token * 4 + LEFT] = left + 1;
    this.#facts[token * 4 + RIGHT] = right + 1;
  }

  /** The token that the two together are, or a number above all. */
  #merged(left: number, right: number): number {
    const facts = this.#facts;
    const factor = facts[right * 4 + FACTOR] as number;
    const hash =
      (Math.imul(facts[left * 4 + HASH] as number, factor) + (facts[right * 4 + HASH] as number)) |
      0;
    const mixed = mix(hash);
    if ((((this.#isHash[mixed >>> 16] as number) >>> (mixed >>> 11)) & 1) === 0) return NO_TOKEN;
    const mask = this.#byHash.length - 1;
    for (let slot = mixed >>> this.#hashShift; ; slot = (slot + 1) & mask) {
      const token = (this.#byHash[slot] as number) - 1;
      if (token < 0) return NO_TOKEN;
      if (facts[token * 4 + HASH] === hash && this.#isJoined(token, left, right)) return token;
    }
  }

  #isJoined(token: number, left: number, right: number): boolean {
    const leftLength = this.lengths[left] as number;
    const rightLength = this.lengths[right] as number;
    if (this.lengths[token] !== leftLength + rightLength) return false;
    const end = this.#ends[token] as number;
    return (
      this.#isSame(left, end - rightLength, leftLength) && this.#isSame(right, end, rightLength)
    );
  }

  /** Whether the token is what ends at `end` in `bytes`. */
  #isSame(token: number, end: number, length: number): boolean {
    const tokenEnd = this.#ends[token] as number;
    for (let i = 1; i <= length; i++) {
      if (this.#bytes[tokenEnd - i] !== this.#bytes[end - i]) return false;
    }
    return true;
  }

  #addTokens(first: number, last: number): void {
    const mask = this.#byHash.length - 1;
    const factors = new Int32Array(LENGTH_MAX + 1).fill(1);
    for (let length = 1; length <= LENGTH_MAX; length++) {
      factors[length] = Math.imul(factors[length - 1] as number, HASH_BASE);
    }
    let at = first === 0 ? 0 : (this.#ends[first - 1] as number);
    for (let token = first; token < last; token++) {
      const end = this.#ends[token] as number;
      const length = end - at;
      if (length > LENGTH_MAX) throw new Error(`token ${token} is too long`);
      let hash = 0;
      for (; at < end; at++) hash = (Math.imul(hash, HASH_BASE) + (this.#bytes[at] as number)) | 0;
      this.lengths[token] = length;
      this.#facts[token * 4 + HASH] = hash;
      this.#facts[token * 4 + FACTOR] = factors[length] as number;
      const mixed = mix(hash);
      this.#isHash[mixed >>> 16] = (this.#isHash[mixed >>> 16] as number) | (1 << (mixed >>> 11));
      let slot = mixed >>> this.#hashShift;
      while (this.#byHash[slot] !== 0) slot = (slot + 1) & mask;
      this.#byHash[slot] = token + 1;
    }
  }
}

function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), MIX);
}
