import { NONE, type TokenIndex } from "./token-index.ts";
import { TokenMerges } from "./token-merges.ts";

const ROOM_BYTES = 4096;
/** Pieces up to this are mostly one token, so that is asked first. */
const WORD_BYTES = 20;

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
  /** The row as far as it is known; after a call, the row that was counted. */
  #tokens = new Int32Array(ROOM_BYTES);
  /** Places, counted from the start of the piece, that led nowhere. All zero between two calls. */
  #isDead = new Uint8Array(ROOM_BYTES);

  constructor(index: TokenIndex) {
    this.#index = index;
    this.#merges = new TokenMerges(index);
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
    let token = index.longest(bytes, start, end);
    // In a run of one character nearly every length is a token and nearly every place can be reached,
    // but the run is mostly one token over and over: so that is tried before longer ones.
    let isRepeat = false;
    while (at < end) {
      const next = at + (index.lengths[token] as number);
      if (
        isDead[next - start] === 0 &&
        (previous === NONE || this.#merges.mayFollow(previous, token))
      ) {
        tokens[count] = token;
        count += 1;
        isRepeat = isRepeated(bytes, at, next, end);
        previous = token;
        at = next;
        if (!isRepeat) token = index.longest(bytes, at, end);
        continue;
      }
      token = isRepeat ? index.longest(bytes, at, end) : index.beginningOf(token);
      isRepeat = false;
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
      isRepeat = token === previous;
    }
    if (hasDead) isDead.fill(0, 0, end - start);
    return count;
  }

  /** Room for one giant piece is given back with the next piece. */
  #reserve(length: number): void {
    const room = Math.max(ROOM_BYTES, length + 1);
    if (this.#tokens.length >= room && this.#tokens.length <= room * 16) return;
    this.#tokens = new Int32Array(room);
    this.#isDead = new Uint8Array(room);
  }
}

/** Whether `bytes[start … next]` come again right behind, before `end`. */
function isRepeated(bytes: Uint8Array, start: number, next: number, end: number): boolean {
  if (next + next - start > end) return false;
  for (let at = start, again = next; at < next; at++, again++) {
    if (bytes[at] !== bytes[again]) return false;
  }
  return true;
}
