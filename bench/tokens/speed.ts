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
const HOSTILE_ROUNDS = 9;
const HOSTILE_FIRST_RUNS = 3;
/** What the others are measured on: with 100 000 characters some would take minutes. */
const HOSTILE_SHORT_UNITS = 4000;
const HOSTILE_SHORT = ["a", "random CJK", "one symbol"];

/** A figure by kind of text. */
export type Speeds = Record<(typeof KINDS)[number], number>;

export interface Load {
  readonly loadMs: number;
  readonly rssMb: number;
  /** How long the event loop stood still at most. */
  readonly blockMs: number;
}

/** Time and memory from nothing to the first count, each time in a new process. */
export function measureLoads(): Record<TokenizerName, Load> {
  const results = new Map<TokenizerName, Load[]>();
  for (let round = 0; round < LOADS; round++) {
    for (const name of TOKENIZER_NAMES) {
      const load: Load = JSON.parse(runScript("measure-load.main.ts", name));
      results.set(name, [...(results.get(name) ?? []), load]);
    }
  }
  return byTokenizer((name) => {
    const loads = results.get(name) ?? [];
    return {
      loadMs: medianOf(loads.map((load) => load.loadMs)),
      rssMb: medianOf(loads.map((load) => load.rssMb)),
      blockMs: medianOf(loads.map((load) => load.blockMs)),
    };
  });
}

/** Whether the tokenizer is loaded with the program, and whether it is once it is used. */
export function inspectStart(): {
  readonly modules: number;
  readonly atStart: boolean;
  readonly atFirstUse: boolean;
} {
  return JSON.parse(runScript("measure-start.main.ts"));
}

/** All tokenizers in turns, each round on new text; the first round only warms up. */
export async function measureSpeeds(seed: number): Promise<{
  readonly speeds: Record<TokenizerName, Speeds>;
  /** How many times as fast we are as each, round by round. */
  readonly ratios: Record<TokenizerName, Speeds>;
}> {
  const tokenizers = new Map<TokenizerName, Tokenizer>();
  for (const name of TOKENIZER_NAMES) tokenizers.set(name, await loadTokenizer(name));
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
  const ratesOf = (name: TokenizerName, kind: CorpusKind) => rates.get(`${name} ${kind}`) ?? [];
  return {
    speeds: byTokenizer((name) => byKind((kind) => medianOf(ratesOf(name, kind)))),
    ratios: byTokenizer((name) =>
      byKind((kind) => {
        const theirs = ratesOf(name, kind);
        const ours = ratesOf("dianka", kind);
        return medianOf(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN)));
      }),
    ),
  };
}

/** Microseconds that one delta of a stream costs, with the total read every 100 deltas. */
export function measureDeltas(counter: TokenCounter, seed: number): Speeds {
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
  return byKind((kind) => medianOf(Array.from({ length: ROUNDS }, () => measure(kind))));
}

export interface HostileTime {
  /** Once it is warm: median of 9 rounds, each of which goes through all texts. */
  readonly ms: number;
  /** The best of those rounds: what it takes while nothing else wants the processor. */
  readonly bestMs: number;
  /** Round by round, how many times the time of plain English of that length. */
  readonly timesEnglish: number;
  /** As the first count of a process, where that was asked for: median of 3. */
  readonly firstMs?: number;
}

/** How long one count of 100 000 hostile characters blocks; the first count for the worst of them. */
export function measureHostile(counter: TokenCounter, seed: number): Record<string, HostileTime> {
  const random = createRandom(seed);
  const english = createCorpus("english", HOSTILE_UNITS, random);
  const texts = [...createHostileTexts(HOSTILE_UNITS, random), ["plain English", english] as const];
  const runs = new Map<string, number[]>();
  for (let round = 0; round <= HOSTILE_ROUNDS; round++) {
    for (const [name, text] of texts) {
      const ms = timeMs(() => counter.count(text));
      if (round > 0) runs.set(name, [...(runs.get(name) ?? []), ms]);
    }
  }
  const plain = runs.get("plain English") ?? [];
  const times = new Map<string, HostileTime>();
  for (const [name, all] of runs) {
    const timesEnglish = medianOf(all.map((ms, round) => ms / (plain[round] ?? Number.NaN)));
    times.set(name, { ms: medianOf(all), bestMs: Math.min(...all), timesEnglish });
  }
  const worst = [...times].toSorted(([, a], [, b]) => b.bestMs - a.bestMs).slice(0, 3);
  for (const [name, time] of worst) {
    const measureFirst = () =>
      Number(runScript("measure-first.main.ts", name, String(HOSTILE_UNITS), String(seed)));
    const firstMs = medianOf(Array.from({ length: HOSTILE_FIRST_RUNS }, measureFirst));
    times.set(name, { ...time, firstMs });
  }
  return Object.fromEntries(times);
}

/** The worst block of each tokenizer by 4 000 hostile characters, in ms. */
export async function compareHostile(seed: number): Promise<Record<TokenizerName, number>> {
  const all = createHostileTexts(HOSTILE_SHORT_UNITS, createRandom(seed));
  const texts = HOSTILE_SHORT.map((name) => all.get(name) ?? "");
  const worst = new Map<TokenizerName, number>();
  for (const name of TOKENIZER_NAMES) {
    const tokenizer = await loadTokenizer(name);
    tokenizer.count("warm");
    worst.set(name, Math.max(...texts.map((text) => timeMs(() => tokenizer.count(text)))));
  }
  return byTokenizer((name) => worst.get(name) ?? Number.NaN);
}

function byTokenizer<T>(make: (name: TokenizerName) => T): Record<TokenizerName, T> {
  return Object.fromEntries(TOKENIZER_NAMES.map((name) => [name, make(name)])) as Record<
    TokenizerName,
    T
  >;
}

function byKind(make: (kind: (typeof KINDS)[number]) => number): Speeds {
  return Object.fromEntries(KINDS.map((kind) => [kind, make(kind)])) as Speeds;
}

function runScript(file: string, ...args: readonly string[]): string {
  const script = fileURLToPath(new URL(file, import.meta.url));
  return execFileSync(process.execPath, [script, ...args], { encoding: "utf8" });
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
