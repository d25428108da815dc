import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TokenCounter } from "../../src/core/upstream/token-counter.ts";
import { type CorpusKind, createCorpus, createRandom } from "./corpus.ts";
import { createHostileTexts } from "./hostile.ts";
import {
  loadTokenizer,
  TOKENIZER_NAMES,
  type Tokenizer,
  type TokenizerName,
} from "./tokenizers.ts";

const LOADS = 5;
const ROUNDS = 7;
const KINDS = ["english", "chinese", "markdown"] as const satisfies readonly CorpusKind[];
const CORPUS_BYTES = 300_000;
/** About a message: what the callers count at once. */
const PIECE_UNITS = 2000;
const DELTA_UNITS_MAX = 6;
const HOSTILE_UNITS = 100_000;
const HOSTILE_RUNS = 5;

/** MB/s by kind of text. */
export type Speeds = Record<(typeof KINDS)[number], number>;

export interface Load {
  readonly loadMs: number;
  readonly rssMb: number;
  /** How long the event loop stood still at most. */
  readonly blockMs: number;
}

/** Time and memory from nothing to the first count, each time in a new process. */
export function measureLoads(): Partial<Record<TokenizerName, Load>> {
  const script = fileURLToPath(new URL("measure-load.main.ts", import.meta.url));
  const results = new Map<TokenizerName, Load[]>();
  for (let round = 0; round < LOADS; round++) {
    for (const name of TOKENIZER_NAMES) {
      const load = JSON.parse(execFileSync(process.execPath, [script, name], { encoding: "utf8" }));
      if (load !== null) results.set(name, [...(results.get(name) ?? []), load]);
      else if (round === 0) console.log(`skipped: ${name} is not installed`);
    }
  }
  const medians = [...results].map(([name, loads]) => [
    name,
    {
      loadMs: medianOf(loads.map((load) => load.loadMs)),
      rssMb: medianOf(loads.map((load) => load.rssMb)),
      blockMs: medianOf(loads.map((load) => load.blockMs)),
    },
  ]);
  return Object.fromEntries(medians);
}

/** All tokenizers in turns, each round on new text; the first round only warms up. */
export async function measureSpeeds(seed: number): Promise<Partial<Record<TokenizerName, Speeds>>> {
  const tokenizers = new Map<TokenizerName, Tokenizer>();
  for (const name of TOKENIZER_NAMES) {
    const tokenizer = await loadTokenizer(name);
    if (tokenizer !== null) tokenizers.set(name, tokenizer);
  }
  const random = createRandom(seed);
  const rates = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const kind of KINDS) {
      const text = createCorpus(kind, CORPUS_BYTES, random);
      for (const [name, tokenizer] of tokenizers) {
        const rate = measureRate(tokenizer, text);
        const key = `${name} ${kind}`;
        if (round > 0) rates.set(key, [...(rates.get(key) ?? []), rate]);
      }
    }
  }
  const speedsOf = (name: TokenizerName) =>
    Object.fromEntries(KINDS.map((kind) => [kind, medianOf(rates.get(`${name} ${kind}`) ?? [])]));
  return Object.fromEntries([...tokenizers.keys()].map((name) => [name, speedsOf(name)]));
}

/** Microseconds that one delta of a stream costs, with the total read every 100 deltas. */
export function measureDeltas(counter: TokenCounter, seed: number): Record<string, number> {
  const random = createRandom(seed);
  const measure = (kind: CorpusKind) => {
    const text = createCorpus(kind, CORPUS_BYTES, random);
    const deltas: string[] = [];
    for (let at = 0; at < text.length; at += deltas.at(-1)?.length ?? 0) {
      deltas.push(text.slice(at, at + 1 + random(DELTA_UNITS_MAX)));
    }
    const running = counter.startCount();
    let total = 0;
    const ms = timeMs(() => {
      for (const [index, delta] of deltas.entries()) {
        running.add(delta);
        if (index % 100 === 0) total = running.total;
      }
      total = running.total;
    });
    if (total !== counter.count(text)) throw new Error(`a ${kind} stream was counted wrong`);
    return (ms * 1000) / deltas.length;
  };
  return Object.fromEntries(
    KINDS.map((kind) => [kind, medianOf(Array.from({ length: ROUNDS }, () => measure(kind)))]),
  );
}

/** How long one count of 100 000 hostile characters blocks, in ms, once it is warm: medians of 5. */
export function measureHostile(counter: TokenCounter, seed: number): Record<string, number> {
  const texts = [...createHostileTexts(HOSTILE_UNITS, createRandom(seed))];
  return Object.fromEntries(
    texts.map(([name, text]) => {
      counter.count(text);
      const times = Array.from({ length: HOSTILE_RUNS }, () => timeMs(() => counter.count(text)));
      return [name, medianOf(times)];
    }),
  );
}

function measureRate({ count, share }: Tokenizer, text: string): number {
  const part = text.slice(0, text.length * share);
  const pieces: string[] = [];
  for (let at = 0; at < part.length; at += PIECE_UNITS)
    pieces.push(part.slice(at, at + PIECE_UNITS));
  const ms = timeMs(() => {
    for (const piece of pieces) count(piece);
  });
  return Buffer.byteLength(part) / 1000 / ms;
}

function timeMs(run: () => void): number {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}
