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
const SHORT_BYTES = 2;
const HASH_BASE = 0x01000193;
/** An entry holds the token plus one in its lower bits and the upper bits of the hash above them. */
const TOKEN_BITS = 18;
const TOKEN_MASK = 2 ** TOKEN_BITS - 1;
/** Marks of a hash: some token begins with such bytes; some token is such bytes. */
const IS_BEGINNING = 1;
const IS_TOKEN = 2;
/** Sixteen marks of two bits are in one number. */
const MARK_WORD_BITS = 17;

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
  /** Tokens of two bytes, then those of one, each plus one: they are most of what is asked for. */
  readonly #short = new Int32Array(BYTE_VALUES * BYTE_VALUES + BYTE_VALUES);
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
    for (let byte = 0; byte < BYTE_VALUES; byte++) {
      const token = index.find(Uint8Array.of(byte), 0, 1);
      if (token === NONE) throw new Error(`byte ${byte} is no token`);
    }
    return index;
  }

  /** The longest token at the beginning of `bytes[start … end]`; `NONE` only when that is empty. */
  longest(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0;
    let foundHash = 0;
    let foundEnd = start;
    for (let at = start; at < end; at++) {
      hash = extend(hash, bytes[at] as number);
      const mark = this.#markOf(mix(hash));
      if ((mark & IS_BEGINNING) === 0) break;
      if ((mark & IS_TOKEN) === 0) continue;
      foundHash = hash;
      foundEnd = at + 1;
    }
    if (foundEnd === start) return NONE;
    const token =
      foundEnd - start <= SHORT_BYTES
        ? (this.#short[shortPlace(bytes, start, foundEnd)] as number) - 1
        : this.#lookUp(foundHash, bytes, start, foundEnd);
    return token === NONE ? this.longest(bytes, start, foundEnd - 1) : token;
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
    if (end - start <= SHORT_BYTES) this.#short[shortPlace(this.#bytes, start, end)] = token + 1;
    this.#hashes[token * 2] = hash;
    this.#hashes[token * 2 + 1] = factor;
    let slot = this.#firstSlot(hash);
    while (this.#entries[slot] !== 0) slot = this.#nextSlot(slot);
    this.#entries[slot] = (hash & ~TOKEN_MASK) | (token + 1);
  }
}

function shortPlace(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] as number;
  if (end - start === 1) return BYTE_VALUES * BYTE_VALUES + first;
  return first * BYTE_VALUES + (bytes[start + 1] as number);
}

function extend(hash: number, byte: number): number {
  return (Math.imul(hash, HASH_BASE) + byte) | 0;
}

/** Spreads a hash, so that its upper bits tell apart what its lower bits do. */
function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x9e3779b1);
}

/** Which two of the 32 bits of its word, from the bits below those that name the word. */
function markPlace(mixed: number): number {
  return ((mixed >>> (32 - MARK_WORD_BITS - 4)) & 15) * 2;
}

function isEntryOf(hash: number, entry: number): boolean {
  return (entry ^ hash) >>> TOKEN_BITS === 0;
}
