import type { TokenTable } from "./token-table.ts";

/** As `previous`: the piece begins here. As a result: these bytes cannot go on after that token. */
export const NONE = -1;

const ROOM_BYTES = 4096;

/**
 * Byte pair encoding of one piece of text, in time linear in its length.
 *
 * Takes the longest token that may follow the one before and, when none may, goes back a token. The
 * row that reaches the end is the one that merging would give (see `TokenTable`). The bytes before a
 * place have one encoding only, so a place that led nowhere once is never tried again.
 */
export class BytePairEncoder {
  readonly #table: TokenTable;
  #tokens = new Int32Array(ROOM_BYTES);
  /** Places, counted from the start of the piece, that led nowhere. All zero between two calls. */
  #isDead = new Uint8Array(ROOM_BYTES);

  constructor(table: TokenTable) {
    this.#table = table;
  }

  /** The number of tokens of a whole piece. */
  count(bytes: Uint8Array, start: number, end: number): number {
    const first = this.#table.trie.longest(bytes, start, end);
    if (this.#table.lengths[first] === end - start) return 1;
    return this.#encode(bytes, start, end, first, NONE);
  }

  /** The number of tokens of the rest of a piece whose encoding up to there ends in `previous`. */
  countAfter(previous: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#encode(bytes, start, end, this.#table.trie.longest(bytes, start, end), previous);
  }

  /** The token at a place in the row that the last call counted. */
  tokenAt(index: number): number {
    return this.#tokens[index] as number;
  }

  #encode(bytes: Uint8Array, start: number, end: number, first: number, before: number): number {
    this.#reserve(end - start);
    const table = this.#table;
    const tokens = this.#tokens;
    const isDead = this.#isDead;
    let hasDead = false;
    let count = 0;
    let at = start;
    let previous = before;
    let token = first;
    // In a run of one character nearly every length is a token and nearly every place can be reached,
    // but the run is mostly one token over and over: so that is tried before longer ones.
    let isRepeat = false;
    while (at < end) {
      const next = at + (table.lengths[token] as number);
      if (isDead[next - start] === 0 && (previous === NONE || table.mayFollow(previous, token))) {
        tokens[count] = token;
        count += 1;
        isRepeat = isRepeated(bytes, at, next, end);
        previous = token;
        at = next;
        if (!isRepeat) token = table.trie.longest(bytes, at, end);
        continue;
      }
      token = isRepeat ? table.trie.longest(bytes, at, end) : (table.shorter[token] as number);
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
      at -= table.lengths[token] as number;
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
