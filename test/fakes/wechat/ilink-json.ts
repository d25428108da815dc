/** Starts above 2^63, where no double holds an id any more. */
const FIRST_ID = 9_300_000_000_000_000_001n;
const MARK = "uint64:";

/** Ids as iLink makes them: uint64, each once. */
export class Uint64Ids {
  #next = FIRST_ID;

  next(): string {
    this.#next += 2n;
    return String(this.#next);
  }
}

/** An id that shall stand as a bare number in the JSON. */
export function bareNumber(id: string): string {
  return MARK + id;
}

export function stringifyIlink(value: unknown): string {
  return JSON.stringify(value).replace(new RegExp(`"${MARK}(\\d+)"`, "g"), "$1");
}
