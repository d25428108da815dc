import { NONE, type TokenIndex } from "./token-index.ts";
import { TokenMerges } from "./token-merges.ts";
import { TokenRuns } from "./token-runs.ts";

const ROOM_BYTES = 4096;
/** Pieces up to this are mostly one token, so that is asked first. */
const WORD_BYTES = 20;
/** Shorter runs are not worth a guess. */
const RUN_BYTES = 8;

/**
 * Byte pair encoding of one piece of text, in time linear in its length and without merging anything.
 *
 * Takes the longest token that may follow the one before and, when none may, goes back a token: the
 * row that reaches the end is what merging would give (see `TokenMerges`). The bytes before a place
 * have one encoding only, so a place that led nowhere once is never tried again.
 */
export class BytePairEncoder {
  readonly #index: TokenIndex;
  readonly #merges: TokenMerges;
  readonly #runs: TokenRuns;
  /** The row as far as it is known; after a call, the row that was counted. */
  #tokens = new Int32Array(ROOM_BYTES);
  /** Places, counted from the start of the piece, that led nowhere. All zero between two calls. */
  #isDead = new Uint8Array(ROOM_BYTES);
  readonly #tokensOfRuns = new Int32Array(256).fill(NONE);

  constructor(index: TokenIndex) {
    this.#index = index;
    this.#merges = new TokenMerges(index);
    this.#runs = new TokenRuns(index);
  }

  /** The number of tokens of a whole piece. */
  count(bytes: Uint8Array, start: number, end: number): number {
    if (end - start <= WORD_BYTES && this.#index.find(bytes, start, end) !== NONE) return 1;
    return this.countAfter(NONE, bytes, start, end);
  }

  /**
   * The number of tokens of the rest of a piece whose encoding up to there ends in `previous`. `NONE`
   * when it does not go on like that: when the rest changes what was before it.
   */
  countAfter(previous: number, bytes: Uint8Array, start: number, end: number): number {
    this.#reserve(end - start);
    this.#runs.forget();
    return this.#encode(previous, bytes, start, end);
  }

  /** The token at a place in the row that the last call counted. */
  tokenAt(index: number): number {
    return this.#tokens[index] as number;
  }

  #encode(before: number, bytes: Uint8Array, start: number, end: number): number {
    const index = this.#index;
    const tokens = this.#tokens;
    const isDead = this.#isDead;
    let hasDead = false;
    let count = 0;
    let at = start;
    let previous = before;
    let token = this.#guess(previous, bytes, at, end);
    let isGuess = token !== NONE;
    if (!isGuess) token = this.#longest(bytes, at, end);
    while (at < end) {
      const next = at + (index.lengths[token] as number);
      const isOpen = isDead[next - start] === 0;
      if (isOpen && (previous === NONE || this.#merges.mayFollow(previous, token))) {
        tokens[count] = token;
        count += 1;
        at = next;
        previous = token;
        token = this.#guess(previous, bytes, at, end);
        isGuess = token !== NONE;
        if (!isGuess) token = this.#longest(bytes, at, end);
        continue;
      }
      token = isGuess ? this.#longest(bytes, at, end) : index.beginningOf(token);
      isGuess = false;
      if (token !== NONE) continue;
      if (count === 0) {
        count = NONE;
        break;
      }
      isDead[at - start] = 1;
      hasDead = true;
      count -= 1;
      token = previous;
      at -= index.lengths[token] as number;
      previous = count === 0 ? before : (tokens[count - 1] as number);
      isGuess = token === this.#guess(previous, bytes, at, end);
    }
    if (hasDead) isDead.fill(0, 0, end - start);
    return count;
  }

  #longest(bytes: Uint8Array, at: number, end: number): number {
    const isRun = bytes[at] === bytes[at + 1] && bytes[at] === bytes[at + RUN_BYTES];
    return isRun && at + RUN_BYTES < end
      ? this.#runs.longest(bytes, at, end)
      : this.#index.longest(bytes, at, end);
  }

  /**
   * The token to try before the longest one, or `NONE`. In a run of one character nearly every length
   * is a token and nearly every place can be reached, but most of it is one token over and over.
   */
  #guess(previous: number, bytes: Uint8Array, at: number, end: number): number {
    if (previous !== NONE) {
      const length = this.#index.lengths[previous] as number;
      if (isRepeated(bytes, at - length, at, end, length)) return previous;
    }
    if (bytes[at] !== bytes[at + RUN_BYTES]) return NONE;
    const token = this.#tokenOfRun(bytes[at] as number);
    const length = this.#index.lengths[token] as number;
    return length > RUN_BYTES && isRepeated(bytes, at, at + 1, end, length - 1) ? token : NONE;
  }

  /** What merging doubles a byte to, as often as it can. */
  #tokenOfRun(byte: number): number {
    let token = this.#tokensOfRuns[byte] as number;
    if (token !== NONE) return token;
    let double = this.#index.find(Uint8Array.of(byte), 0, 1);
    while (double !== NONE) {
      token = double;
      double = this.#index.join(token, token);
    }
    this.#tokensOfRuns[byte] = token;
    return token;
  }

  /** Room for one giant piece is given back with the next piece. */
  #reserve(length: number): void {
    const room = Math.max(ROOM_BYTES, length + 1);
    if (this.#tokens.length >= room && this.#tokens.length <= room * 16) return;
    this.#tokens = new Int32Array(room);
    this.#isDead = new Uint8Array(room);
  }
}

/** Whether `length` bytes before `end` are the same at both places. */
function isRepeated(
  bytes: Uint8Array,
  first: number,
  second: number,
  end: number,
  length: number,
): boolean {
  if (second + length > end) return false;
  for (let i = 0; i < length; i++) {
    if (bytes[first + i] !== bytes[second + i]) return false;
  }
  return true;
}
