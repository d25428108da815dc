import { LABEL_BITS, TokenTrie } from "./token-trie.ts";

const BYTE_VALUES = 256;
/** Childless nodes have base 0, so the cells that a byte reaches from there stay free. */
const FIRST_CELL = BYTE_VALUES;
/** A search that tried more free cells than this leaves them free for good: space for time. */
const TRIES_MAX = 2;
const ROOM_AT_FIRST = 2 ** 16;

/**
 * The cells of a `TokenTrie` while it is built.
 *
 * No two nodes get the same base. So a cell with the right label is a child of the node that was
 * asked, and need not say whose child it is.
 */
export class TrieCells {
  #cells = new Int32Array(ROOM_AT_FIRST * 2);
  #isBase = new Uint8Array(ROOM_AT_FIRST);
  #firstFree = FIRST_CELL;
  #end = FIRST_CELL;

  setToken(cell: number, token: number): void {
    this.#cells[cell * 2 + 1] = token + 1;
  }

  /**
   * Gives a node its children, once. `labels[0 … count]` rise. The child with label `l` lies in the
   * cell `l` behind the one that is answered.
   */
  addChildren(parent: number, labels: Uint16Array, count: number): number {
    const base = this.#findBase(labels, count);
    this.#isBase[base] = 1;
    this.#cells[parent * 2] = (this.#cells[parent * 2] as number) | (base << LABEL_BITS);
    for (let i = 0; i < count; i++) {
      const label = labels[i] as number;
      this.#cells[(base + label - 1) * 2] = label;
    }
    this.#end = Math.max(this.#end, base + BYTE_VALUES);
    return base - 1;
  }

  toTrie(): TokenTrie {
    return new TokenTrie(this.#cells.slice(0, this.#end * 2));
  }

  #findBase(labels: Uint16Array, count: number): number {
    const firstByte = (labels[0] as number) - 1;
    let tries = 0;
    for (let cell = this.#firstFree; ; cell++) {
      if (this.#cells[cell * 2] !== 0) continue;
      if (cell + BYTE_VALUES >= this.#isBase.length) this.#grow();
      tries += 1;
      if (tries === 1 || tries > TRIES_MAX) this.#firstFree = cell;
      const base = cell - firstByte;
      if (this.#isBase[base] === 0 && this.#areFree(base, labels, count)) return base;
    }
  }

  #areFree(base: number, labels: Uint16Array, count: number): boolean {
    for (let i = 1; i < count; i++) {
      if (this.#cells[(base + (labels[i] as number) - 1) * 2] !== 0) return false;
    }
    return true;
  }

  #grow(): void {
    const cells = new Int32Array(this.#cells.length * 2);
    cells.set(this.#cells);
    this.#cells = cells;
    const isBase = new Uint8Array(this.#isBase.length * 2);
    isBase.set(this.#isBase);
    this.#isBase = isBase;
  }
}
