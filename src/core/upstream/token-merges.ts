import { NONE, type TokenIndex } from "./token-index.ts";

const NO_LIMIT = 0x7fffffff;
const ANSWER_BITS = 17;

/**
 * Which tokens byte pair encoding leaves side by side. In a vocabulary learnt by merging, where every
 * token is what its own bytes are merged to, the encoding of a text is the one row of tokens whose
 * neighbours all may be such.
 */
export class TokenMerges {
  readonly #index: TokenIndex;
  /** At twice the token the two whose merge it is, each plus one; 0 until asked for. */
  readonly #halves: Int32Array;
  /**
   * Answers of `mayFollow`: the left token, then twice the right one and 1 for yes. Runs of one
   * character, where every question takes long, ask few questions many times.
   */
  readonly #answers = new Int32Array(2 ** (ANSWER_BITS + 1)).fill(NONE);

  constructor(index: TokenIndex) {
    this.#index = index;
    this.#halves = new Int32Array(index.size * 2);
  }

  mayFollow(left: number, right: number): boolean {
    const slot = Math.imul(Math.imul(left, 0x85ebca6b) + right, 0x9e3779b1) >>> (32 - ANSWER_BITS);
    const yes = right * 2 + 1;
    const known = this.#answers[slot * 2 + 1] as number;
    if (this.#answers[slot * 2] === left && (known | 1) === yes) return known === yes;
    const answer = this.#staysApart(left, right, NO_LIMIT);
    this.#answers[slot * 2] = left;
    this.#answers[slot * 2 + 1] = answer ? yes : yes - 1;
    return answer;
  }

  /** Whether the tokens are still two when all merges of lower ranks than `before` are done. */
  #staysApart(leftToken: number, rightToken: number, before: number): boolean {
    // Undoes the merges that made them, the last first. If what then meets at the border could have
    // been merged earlier than what was undone, it would have been, and the two would not be there.
    let left = leftToken;
    let right = rightToken;
    let limit = before;
    for (;;) {
      const joined = this.#index.join(left, right);
      if (joined !== NONE && joined < limit) return false;
      if (left > right) {
        limit = left;
        left = this.#rightHalf(left);
        if (left !== limit) continue;
        limit = right + 1;
        right = this.#leftHalf(right);
        if (right + 1 === limit) return true;
      } else {
        // Of equal ranks the left one is merged first. So the right one is undone first, and a merge
        // of its own rank would have come before it.
        limit = right + 1;
        right = this.#leftHalf(right);
        if (right + 1 !== limit) continue;
        limit = left;
        left = this.#rightHalf(left);
        if (left === limit) return true;
      }
    }
  }

  /** A single byte is its own half. */
  #leftHalf(token: number): number {
    if (this.#halves[token * 2] === 0) this.#split(token);
    return (this.#halves[token * 2] as number) - 1;
  }

  #rightHalf(token: number): number {
    if (this.#halves[token * 2] === 0) this.#split(token);
    return (this.#halves[token * 2 + 1] as number) - 1;
  }

  // On demand: most tokens are never met, and all at once would double the time to load.
  #split(token: number): void {
    let left = token;
    let right = token;
    if ((this.#index.lengths[token] as number) > 1) {
      do {
        left = this.#index.beginningOf(left);
        if (left === NONE) throw new Error(`no merge gives token ${token}`);
        right = this.#index.restOf(token, this.#index.lengths[left] as number);
      } while (
        left > token ||
        right > token ||
        right === NONE ||
        !this.#staysApart(left, right, token)
      );
    }
    this.#halves[token * 2] = left + 1;
    this.#halves[token * 2 + 1] = right + 1;
  }
}
