import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";
import type { TokenCounter } from "../../src/core/upstream/token-counter.ts";
import { CORPUS_KINDS, type CorpusKind, createCorpus, createRandom } from "./corpus.ts";

const BYTES: Readonly<Record<CorpusKind, number>> = {
  english: 1_400_000,
  chinese: 1_000_000,
  markdown: 1_200_000,
  code: 1_000_000,
  emoji: 600_000,
};
const TEXT_BYTES = 20_000;
const STREAMS = 5000;
const STREAM_BYTES_MAX = 500;
const DELTA_UNITS_MAX = 12;

export interface ExactnessOfTexts {
  readonly megabytes: number;
  readonly tokens: number;
  readonly differing: number;
}

export interface ExactnessOfStreams {
  readonly checked: number;
  readonly differing: number;
}

/** Counts texts of each kind with js-tiktoken as well. */
export function checkTexts(
  counter: TokenCounter,
  seed: number,
): Record<CorpusKind, ExactnessOfTexts> {
  const oracle = new Tiktoken(o200k);
  const check = (kind: CorpusKind): ExactnessOfTexts => {
    const random = createRandom(seed);
    const result = { megabytes: 0, tokens: 0, differing: 0 };
    while (result.megabytes < BYTES[kind] / 1e6) {
      const text = createCorpus(kind, TEXT_BYTES, random);
      const tokens = oracle.encode(text, [], []).length;
      result.megabytes += Buffer.byteLength(text) / 1e6;
      result.tokens += tokens;
      if (counter.count(text) !== tokens) result.differing += 1;
    }
    return result;
  };
  return Object.fromEntries(CORPUS_KINDS.map((kind) => [kind, check(kind)])) as Record<
    CorpusKind,
    ExactnessOfTexts
  >;
}

/** Cuts texts at random, also through surrogate pairs; compares on the way and, with js-tiktoken, at the end. */
export function checkStreams(counter: TokenCounter, seed: number): ExactnessOfStreams {
  const oracle = new Tiktoken(o200k);
  const random = createRandom(seed);
  let differing = 0;
  for (let stream = 0; stream < STREAMS; stream++) {
    const kind = CORPUS_KINDS[stream % CORPUS_KINDS.length] ?? "english";
    const text = createCorpus(kind, 1 + random(STREAM_BYTES_MAX), random);
    const running = counter.startCount();
    let isExact = true;
    for (let end = 0; end < text.length; ) {
      const start = end;
      end += 1 + random(DELTA_UNITS_MAX);
      running.add(text.slice(start, end));
      if (random(4) === 0) isExact &&= running.total === counter.count(text.slice(0, end));
    }
    isExact &&= running.total === oracle.encode(text, [], []).length;
    if (!isExact) differing += 1;
  }
  return { checked: STREAMS, differing };
}
