import type { TokenTrie } from "./token-trie.ts";
import { TrieCells } from "./token-trie-cells.ts";

/** An encoding as bytes: the token of rank `r` is `bytes[ends[r - 1] … ends[r]]`, the first from 0. */
export interface RankedTokens {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** The tokens `order[first … last]` begin with the same `depth` bytes, and `cell` stands for these. */
interface OpenNode {
  readonly cell: number;
  readonly depth: number;
  readonly first: number;
  readonly last: number;
  /** The longest token that is a beginning of these bytes, or -1. */
  readonly shorter: number;
}

/** Sorting one token for one node is the unit of work. */
const WORK_PER_STEP = 32_768;
const INSERTION_SORT_MAX = 48;

/** Builds the trie of a vocabulary, and learns on the way which token begins with which. */
export class TokenTrieBuilder {
  /** The longest other token that each token begins with; -1 where there is none. Filled by `build`. */
  readonly shorter: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #cells: TrieCells;
  /** All tokens, sorted as far as they have been looked at. */
  readonly #order: Uint32Array;
  /** For each place in `order` the next byte of its token plus one, 0 where the token has ended. */
  readonly #labels: Uint16Array;
  readonly #sortedOrder: Uint32Array;
  readonly #sortedLabels: Uint16Array;
  readonly #places = new Uint32Array(258);
  readonly #childLabels = new Uint16Array(256);
  readonly #childEnds = new Uint32Array(256);
  readonly #onlyLabel = new Uint16Array(1);

  constructor({ bytes, ends }: RankedTokens) {
    const tokenCount = ends.length;
    this.shorter = new Int32Array(tokenCount);
    this.#bytes = bytes;
    this.#starts = new Uint32Array(tokenCount);
    this.#starts.set(ends.subarray(0, -1), 1);
    this.#ends = ends;
    this.#cells = new TrieCells();
    this.#order = new Uint32Array(tokenCount).map((_, token) => token);
    this.#labels = new Uint16Array(tokenCount);
    this.#sortedOrder = new Uint32Array(tokenCount);
    this.#sortedLabels = new Uint16Array(tokenCount);
  }

  /** Works in steps of a few milliseconds, so that the caller can let others run in between. */
  *build(): Generator<void, TokenTrie> {
    const open: OpenNode[] = [
      { cell: 0, depth: 0, first: 0, last: this.#order.length, shorter: -1 },
    ];
    let work = 0;
    for (;;) {
      const node = open.pop();
      if (node === undefined) return this.#cells.toTrie();
      this.#addNode(node, open);
      work += node.last - node.first;
      if (work < WORK_PER_STEP) continue;
      work = 0;
      yield;
    }
  }

  #addNode(node: OpenNode, open: OpenNode[]): void {
    let { first, shorter } = node;
    this.#sort(first, node.last, node.depth);
    if (this.#labels[first] === 0) {
      const token = this.#order[first] as number;
      this.#cells.setToken(node.cell, token);
      this.shorter[token] = shorter;
      shorter = token;
      first += 1;
    }
    const count = this.#readChildren(first, node.last);
    const cellOfLabel0 = this.#cells.addChildren(node.cell, this.#childLabels, count);
    for (let i = 0; i < count; i++) {
      const cell = cellOfLabel0 + (this.#childLabels[i] as number);
      const last = this.#childEnds[i] as number;
      const child = { cell, depth: node.depth + 1, first, last, shorter };
      if (last - first === 1) this.#addOnlyToken(child);
      else open.push(child);
      first = last;
    }
  }

  /** All nodes down to the end of the one token that goes on from here. */
  #addOnlyToken({ cell, depth, first, shorter }: OpenNode): void {
    const token = this.#order[first] as number;
    const end = this.#ends[token] as number;
    let last = cell;
    for (let at = (this.#starts[token] as number) + depth; at < end; at++) {
      const label = (this.#bytes[at] as number) + 1;
      this.#onlyLabel[0] = label;
      last = this.#cells.addChildren(last, this.#onlyLabel, 1) + label;
    }
    this.#cells.setToken(last, token);
    this.shorter[token] = shorter;
  }

  /** Reads from the sorted labels which children there are, and where the tokens of each end. */
  #readChildren(first: number, last: number): number {
    let count = 0;
    for (let i = first; i < last; i++) {
      const label = this.#labels[i] as number;
      if (count === 0 || this.#childLabels[count - 1] !== label) {
        this.#childLabels[count] = label;
        count += 1;
      }
      this.#childEnds[count - 1] = i + 1;
    }
    return count;
  }

  /** Sorts `order[first … last]` by the byte at `depth`. Those that have ended come first. */
  #sort(first: number, last: number, depth: number): void {
    const labels = this.#labels;
    const order = this.#order;
    for (let i = first; i < last; i++) {
      const token = order[i] as number;
      const at = (this.#starts[token] as number) + depth;
      labels[i] = at < (this.#ends[token] as number) ? (this.#bytes[at] as number) + 1 : 0;
    }
    if (last - first > INSERTION_SORT_MAX) this.#countingSort(first, last);
    else this.#insertionSort(first, last);
  }

  #insertionSort(first: number, last: number): void {
    const labels = this.#labels;
    const order = this.#order;
    for (let i = first + 1; i < last; i++) {
      const token = order[i] as number;
      const label = labels[i] as number;
      let j = i;
      for (; j > first && (labels[j - 1] as number) > label; j--) {
        order[j] = order[j - 1] as number;
        labels[j] = labels[j - 1] as number;
      }
      order[j] = token;
      labels[j] = label;
    }
  }

  #countingSort(first: number, last: number): void {
    // First how many have each label, then where the first of each label belongs.
    const places = this.#places.fill(0);
    for (let i = first; i < last; i++) {
      const after = (this.#labels[i] as number) + 1;
      places[after] = (places[after] as number) + 1;
    }
    for (let label = 1; label < places.length; label++) {
      places[label] = (places[label] as number) + (places[label - 1] as number);
    }
    for (let i = first; i < last; i++) {
      const label = this.#labels[i] as number;
      const place = places[label] as number;
      places[label] = place + 1;
      this.#sortedOrder[place] = this.#order[i] as number;
      this.#sortedLabels[place] = label;
    }
    this.#order.set(this.#sortedOrder.subarray(0, last - first), first);
    this.#labels.set(this.#sortedLabels.subarray(0, last - first), first);
  }
}
