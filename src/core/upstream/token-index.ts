import {
  extend,
  HASH_BASE,
  isEntryOf,
  isWide,
  MARK_WORD_BITS,
  markPlace,
  mix,
  TOKEN_MASK,
  wideCode,
} from "./token-hash.ts";

/** An encoding as bytes: the token of rank `r` is `bytes[ends[r - 1] … ends[r]]`, the first from 0. */
export interface RankedTokens {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** In place of a token, where there is none. */
export const NONE = -1;

const TOKENS_PER_STEP = 16_384;
const BYTE_VALUES = 256;
const LENGTH_MAX = 255;
const WIDE_BYTES = 3;
const WIDE_VALUES = 0x10000;
/** Marks of a hash: some token begins with such bytes; some token is such bytes. */
const IS_BEGINNING = 1;
const IS_TOKEN = 2;

/**
 * Finds the tokens of a vocabulary by their bytes.
 *
 * Bytes are hashed one by one, and a small table of marks tells when no token goes on like this. A
 * mark may be there by accident, so what it promises is looked up and compared: the answers are exact.
 * All of it is in typed arrays: 8 MB for 200 000 tokens.
 */
export class TokenIndex {
  readonly size: number;
  /** Bytes of each token. */
  readonly lengths: Uint8Array;
  readonly #bytes: Uint8Array;
  /** Token `t` is `bytes[starts[t] … starts[t + 1]]`. */
  readonly #starts: Uint32Array;
  /** At twice the token its hash, then what the hash of bytes before it is multiplied by to join it. */
  readonly #hashes: Int32Array;
  /** The answers of `beginningOf` plus two; 0 until asked for. */
  readonly #beginnings: Int32Array;
  readonly #single = new Int32Array(BYTE_VALUES).fill(NONE);
  /**
   * By their two bytes: twice the token plus one, 0 for none, and 1 more when longer tokens begin like
   * that. So are those that are one character of three bytes, by its code: most of Chinese.
   */
  readonly #pairs = new Int32Array(BYTE_VALUES * BYTE_VALUES);
  readonly #wide = new Int32Array(WIDE_VALUES);
  /** Open addressing; 0 is free. */
  readonly #entries: Int32Array;
  readonly #entryShift: number;
  readonly #marks = new Int32Array(2 ** MARK_WORD_BITS);

  private constructor({ bytes, ends }: RankedTokens) {
    this.size = ends.length;
    if (this.size >= TOKEN_MASK) throw new Error(`${this.size} tokens are too many`);
    this.lengths = new Uint8Array(this.size);
    this.#bytes = bytes;
    this.#starts = new Uint32Array(this.size + 1);
    this.#starts.set(ends, 1);
    this.#hashes = new Int32Array(this.size * 2);
    this.#beginnings = new Int32Array(this.size);
    const entryBits = Math.ceil(Math.log2(this.size * 2));
    this.#entries = new Int32Array(2 ** entryBits);
    this.#entryShift = 32 - entryBits;
  }

  /** Builds the index in steps of a few milliseconds, so that the caller can let others run in between. */
  static *build(tokens: RankedTokens): Generator<void, TokenIndex> {
    const index = new TokenIndex(tokens);
    for (let first = 0; first < index.size; first += TOKENS_PER_STEP) {
      const stop = Math.min(first + TOKENS_PER_STEP, index.size);
      for (let token = first; token < stop; token++) index.#add(token);
      yield;
    }
    const missing = index.#single.indexOf(NONE);
    if (missing !== -1) throw new Error(`byte ${missing} is no token`);
    return index;
  }

  /** The longest token at the beginning of `bytes[start … end]`; `NONE` only when that is empty. */
  longest(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return NONE;
    const first = bytes[start] as number;
    const single = this.#single[first] as number;
    if (start + 1 === end) return single;
    const second = bytes[start + 1] as number;
    const pair = this.#pairs[(first << 8) | second] as number;
    const short = pair < 2 ? single : (pair >> 1) - 1;
    if ((pair & 1) === 0 || start + 2 === end) return short;
    const third = bytes[start + 2] as number;
    if (!isWide(first, second, third)) {
      return this.longestAfter(extend(first, second), short, bytes, start, start + 2, end);
    }
    const wide = this.#wide[wideCode(first, second, third)] as number;
    const token = wide < 2 ? short : (wide >> 1) - 1;
    if ((wide & 1) === 0) return token;
    const hash = extend(extend(first, second), third);
    return this.longestAfter(hash, token, bytes, start, start + WIDE_BYTES, end);
  }

  /** The same, when it is known that up to `from` the bytes have this hash and the longest is `token`. */
  longestAfter(
    hash: number,
    token: number,
    bytes: Uint8Array,
    start: number,
    from: number,
    end: number,
  ): number {
    let extended = hash;
    let foundHash = 0;
    let foundEnd = start;
    for (let at = from; at < end; at++) {
      extended = extend(extended, bytes[at] as number);
      const mark = this.#markOf(mix(extended));
      if ((mark & IS_BEGINNING) === 0) break;
      if ((mark & IS_TOKEN) === 0) continue;
      foundHash = extended;
      foundEnd = at + 1;
    }
    if (foundEnd === start) return token;
    const found = this.#lookUp(foundHash, bytes, start, foundEnd);
    if (found !== NONE) return found;
    return this.longestAfter(hash, token, bytes, start, from, foundEnd - 1);
  }

  /** Whether a token may begin with bytes of this hash; when in doubt, yes. */
  mayBegin(hash: number): boolean {
    return (this.#markOf(mix(hash)) & IS_BEGINNING) !== 0;
  }

  /** The token that is exactly `bytes[start … end]`, or `NONE`. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0;
    for (let at = start; at < end; at++) hash = extend(hash, bytes[at] as number);
    return this.#lookUp(hash, bytes, start, end);
  }

  /** The longest other token that a token begins with, or `NONE`. */
  beginningOf(token: number): number {
    const known = this.#beginnings[token] as number;
    if (known !== 0) return known - 2;
    const beginning = this.longest(this.#bytes, this.#startOf(token), this.#endOf(token) - 1);
    this.#beginnings[token] = beginning + 2;
    return beginning;
  }

  /** The token that another one is behind its first `length` bytes, or `NONE`. */
  restOf(token: number, length: number): number {
    return this.find(this.#bytes, this.#startOf(token) + length, this.#endOf(token));
  }

  /** The token that is the bytes of these two, or `NONE`. */
  join(left: number, right: number): number {
    const leftHash = this.#hashes[left * 2] as number;
    const rightHash = this.#hashes[right * 2] as number;
    const hash = (Math.imul(leftHash, this.#hashes[right * 2 + 1] as number) + rightHash) | 0;
    if ((this.#markOf(mix(hash)) & IS_TOKEN) === 0) return NONE;
    for (let slot = this.#firstSlot(hash); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entries[slot] as number;
      if (entry === 0) return NONE;
      const token = (entry & TOKEN_MASK) - 1;
      if (isEntryOf(hash, entry) && this.#isJoined(token, left, right)) return token;
    }
  }

  #lookUp(hash: number, bytes: Uint8Array, start: number, end: number): number {
    if ((this.#markOf(mix(hash)) & IS_TOKEN) === 0) return NONE;
    for (let slot = this.#firstSlot(hash); ; slot = this.#nextSlot(slot)) {
      const entry = this.#entries[slot] as number;
      if (entry === 0) return NONE;
      if (!isEntryOf(hash, entry)) continue;
      const token = (entry & TOKEN_MASK) - 1;
      const place = this.#startOf(token);
      if (this.#endOf(token) - place !== end - start) continue;
      if (this.#isAt(place, bytes, start, end)) return token;
    }
  }

  #isJoined(token: number, left: number, right: number): boolean {
    const start = this.#startOf(token);
    const middle = start + (this.lengths[left] as number);
    return (
      middle + (this.lengths[right] as number) === this.#endOf(token) &&
      this.#isAt(start, this.#bytes, this.#startOf(left), this.#endOf(left)) &&
      this.#isAt(middle, this.#bytes, this.#startOf(right), this.#endOf(right))
    );
  }

  /** Whether our bytes from `place` on are `bytes[start … end]`. */
  #isAt(place: number, bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; at++) {
      if (this.#bytes[place + at - start] !== bytes[at]) return false;
    }
    return true;
  }

  #startOf(token: number): number {
    return this.#starts[token] as number;
  }

  #endOf(token: number): number {
    return this.#starts[token + 1] as number;
  }

  #firstSlot(hash: number): number {
    return mix(hash) >>> this.#entryShift;
  }

  #nextSlot(slot: number): number {
    return (slot + 1) & (this.#entries.length - 1);
  }

  #markOf(mixed: number): number {
    return (this.#marks[mixed >>> (32 - MARK_WORD_BITS)] as number) >>> markPlace(mixed);
  }

  #mark(hash: number, mark: number): void {
    const mixed = mix(hash);
    const word = mixed >>> (32 - MARK_WORD_BITS);
    this.#marks[word] = (this.#marks[word] as number) | (mark << markPlace(mixed));
  }

  #add(token: number): void {
    const start = this.#startOf(token);
    const end = this.#endOf(token);
    if (end - start > LENGTH_MAX) throw new Error(`token ${token} is too long`);
    let hash = 0;
    let factor = 1;
    for (let at = start; at < end; at++) {
      hash = extend(hash, this.#bytes[at] as number);
      factor = Math.imul(factor, HASH_BASE);
      this.#mark(hash, IS_BEGINNING);
    }
    this.#mark(hash, IS_TOKEN);
    this.lengths[token] = end - start;
    this.#addShort(token, start, end - start);
    this.#hashes[token * 2] = hash;
    this.#hashes[token * 2 + 1] = factor;
    let slot = this.#firstSlot(hash);
    while (this.#entries[slot] !== 0) slot = this.#nextSlot(slot);
    this.#entries[slot] = (hash & ~TOKEN_MASK) | (token + 1);
  }

  #addShort(token: number, start: number, length: number): void {
    const first = this.#bytes[start] as number;
    if (length === 1) {
      this.#single[first] = token;
      return;
    }
    const second = this.#bytes[start + 1] as number;
    const pair = (first << 8) | second;
    const value = (token + 1) * 2;
    this.#pairs[pair] = (this.#pairs[pair] as number) | (length === 2 ? value : 1);
    const third = this.#bytes[start + 2] as number;
    if (length < WIDE_BYTES || !isWide(first, second, third)) return;
    const code = wideCode(first, second, third);
    this.#wide[code] = (this.#wide[code] as number) | (length === WIDE_BYTES ? value : 1);
  }
}
