/**
 * How exactly and how fast tokens are counted: `node bench/tokens.ts`, one to three minutes.
 *
 * Ratios count, not times: all tokenizers are measured in turns in the same run, on text that none of
 * them has seen before. The others are js-tiktoken, gpt-tokenizer and tiktoken's WASM.
 */
import { cpus, loadavg } from "node:os";
import { loadO200kCounter } from "../src/upstreams/o200k-ranks.ts";
import { checkStreams, checkTexts } from "./tokens/exactness.ts";
import {
  compareHostile,
  inspectStart,
  measureDeltas,
  measureHostile,
  measureLoads,
  measureSpeeds,
} from "./tokens/speed.ts";

const SEED = Number(process.env.SEED ?? 20_261_122);

const PEERS = ["js-tiktoken", "gpt-tokenizer", "tiktoken (WASM)"] as const;

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
const startedAtMs = performance.now();
const start = inspectStart();
console.log(
  `the program's ${start.modules} modules ${start.atStart ? "LOAD THE RANKS AT ONCE" : "do not load the ranks"}; the first count ${start.atFirstUse ? "does" : "DOES NOT"}`,
);
const loads = measureLoads();
print("from nothing to the first count, medians of 5 processes", loads);

const counter = await loadO200kCounter();
const texts = checkTexts(counter, SEED);
print("compared with js-tiktoken", texts);
const streams = checkStreams(counter, SEED);
print("streams, compared on the way and with js-tiktoken at the end", { streams });

const { speeds, ratios } = await measureSpeeds(SEED);
print("MB/s on new text, medians of 7 rounds", speeds);
print("dianka is so many times as fast as", ratios);
const deltas = measureDeltas(counter, SEED);
print("microseconds a delta", { deltas });
const hostile = measureHostile(counter, SEED);
print("ms for 100 000 characters, the worst three also as the first count of a process", hostile);
const blocks = await compareHostile(SEED);
print(
  "worst ms for 4 000 characters of one letter, one symbol or rare Chinese",
  Object.fromEntries(Object.entries(blocks).map(([name, ms]) => [name, { ms }])),
);

const differing = sum([...Object.values(texts), streams].map((result) => result.differing));
const megabytes = sum(Object.values(texts).map((result) => result.megabytes));
const leastOf = (kind: "english" | "chinese" | "markdown") =>
  Math.min(...PEERS.map((name) => ratios[name][kind]));
const deltaMicros = Math.max(...Object.values(deltas));
const blockMs = Math.max(...Object.values(hostile).map(({ ms }) => ms));
const bestBlockMs = Math.max(...Object.values(hostile).map(({ bestMs }) => bestMs));
const least = Math.min(leastOf("english"), leastOf("chinese"), leastOf("markdown"));
const met = (isMet: boolean) => (isMet ? "met" : "SHORT");
console.log(
  `tokens: ${differing} differences in ${rounded(megabytes)} MB and ${streams.checked} streams; ` +
    `against the fastest other en × ${rounded(leastOf("english"))}, zh × ${rounded(leastOf("chinese"))}, md × ${rounded(leastOf("markdown"))} (aim > 1, ${met(least > 1)}); ` +
    `${rounded(deltaMicros)} µs a delta (aim 1.5, ${met(deltaMicros <= 1.5)}); ` +
    `worst block ${rounded(blockMs)} ms, ${rounded(bestBlockMs)} undisturbed (aim 50, ${met(blockMs <= 50)}); ` +
    `load ${rounded(loads.dianka.loadMs)} ms (aim 300, ${met(loads.dianka.loadMs <= 300)}), ${start.atStart ? "AT START" : "not at start"}; ` +
    `load average ${loadavg()[0]?.toFixed(1)}; ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`,
);
if (differing > 0 || start.atStart || !start.atFirstUse) process.exitCode = 1;
