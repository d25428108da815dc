/**
 * How exactly and how fast tokens are counted: `node bench/tokens.ts`, one to three minutes.
 *
 * Ratios count, not times: all tokenizers are measured in turns in the same run, on text that none of
 * them has seen before. gpt-tokenizer and tiktoken are compared where they are installed.
 */
import { cpus, loadavg } from "node:os";
import { loadO200kCounter } from "../src/upstreams/o200k-ranks.ts";
import { checkStreams, checkTexts } from "./tokens/exactness.ts";
import { measureDeltas, measureHostile, measureLoads, measureSpeeds } from "./tokens/speed.ts";

const SEED = Number(process.env.SEED ?? 20_261_122);

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const rounded = (number = Number.NaN) => Number(number.toPrecision(3));

/** Prints rows of numbers by name, three digits each. */
function print(title: string, rows: object): void {
  const round = (row: object) =>
    Object.fromEntries(Object.entries(row).map(([name, number]) => [name, rounded(number)]));
  console.log(`\n${title}`);
  console.table(Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, round(row)])));
}

console.log(
  `seed ${SEED}, Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}, load ${loadavg()[0]?.toFixed(1)}`,
);
const loads = measureLoads();
print("from nothing to the first count, medians of 5 processes", loads);

const counter = await loadO200kCounter();
const texts = checkTexts(counter, SEED);
print("compared with js-tiktoken", texts);
const streams = checkStreams(counter, SEED);
print("streams, compared on the way and with js-tiktoken at the end", { streams });

const speeds = await measureSpeeds(SEED);
print("MB/s on new text, medians of 7 rounds", speeds);
const deltas = measureDeltas(counter, SEED);
print("microseconds a delta", { deltas });
const hostile = measureHostile(counter, SEED);
print(
  "ms for 100 000 characters",
  Object.fromEntries(Object.entries(hostile).map(([name, ms]) => [name, { ms }])),
);

const own = speeds.dianka;
console.log(
  `tokens: ${sum([...Object.values(texts), streams].map(({ differing }) => differing))} differences in ` +
    `${rounded(sum(Object.values(texts).map(({ megabytes }) => megabytes)))} MB and ${streams.checked} streams; ` +
    `en ${rounded(own?.english)}, zh ${rounded(own?.chinese)}, md ${rounded(own?.markdown)} MB/s; ` +
    `${rounded(Math.max(...Object.values(deltas)))} µs a delta; ` +
    `worst block ${rounded(Math.max(...Object.values(hostile)))} ms; ` +
    `load ${rounded(loads.dianka?.loadMs)} ms, ${rounded(loads.dianka?.rssMb)} MB; load average ${loadavg()[0]?.toFixed(1)}`,
);
