/**
 * What reading streamed answers costs: `node bench/stream.ts`, about two minutes.
 *
 * A server in a process of its own answers in OpenAI's wire format. Each reader is a process too; they
 * take turns, and each round is compared with the other readers' same round.
 *
 * - dianka: the product's own way, through the pool, with tokens counted and usage read.
 * - openai: the iterator of the `openai` package, on Node's own fetch; nothing is counted.
 * - bytes: the floor; undici hands out bytes, and nobody looks at them.
 *
 * Paced is what a model does: each chunk is a packet and wakes the process. In a burst one read brings
 * many chunks.
 */
import { cpus, loadavg } from "node:os";
import type { RoundResult } from "./stream/reader.main.ts";
import { type Load, type LoadResults, Rounds } from "./stream/rounds.ts";

const CPU_SHARE_MAX = 1 / 3;
const RSS_MB_MAX = 220;

const BOTH = ["dianka", "openai"] as const;
const PACED: Load = {
  name: "paced, 80 × 50/s",
  ...{ streams: 80, chunks: 150, perSecond: 50, rounds: 6 },
  readers: [...BOTH, "bytes"],
};
const BURST: Load = {
  name: "burst, 8 × 3000",
  ...{ streams: 8, chunks: 3000, perSecond: null, rounds: 9 },
  readers: [...BOTH, "bytes"],
};
const OPEN: Load = {
  name: "open, 2000 × 1/s",
  ...{ streams: 2000, chunks: 8, perSecond: 1, rounds: 2 },
  readers: BOTH,
};
const LOADS = [PACED, BURST, OPEN];

const startedAtMs = performance.now();
const table: Record<string, Record<string, string | number>> = {};
const verdicts: string[] = [];
let wrong = 0;
console.log(
  `Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}, load ${loadavg()[0]?.toFixed(1)}`,
);
for (const load of LOADS) {
  // New processes each time: what one load leaves in memory is not the next one's.
  await using rounds = await Rounds.start([load]);
  report(load, await rounds.run(load));
}
console.table(table);
const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
console.log(
  `stream: ${wrong === 0 ? "" : `${wrong} WRONG ANSWERS; `}${verdicts.join("; ")}; load average ${loadavg()[0]?.toFixed(1)}; ${seconds} s`,
);
if (wrong > 0) process.exitCode = 1;

function report(load: Load, results: LoadResults): void {
  const cpuOf = (reader: Load["readers"][number]) =>
    (results.get(reader) ?? []).map(({ cpuMicrosPerChunk }) => cpuMicrosPerChunk);
  for (const reader of load.readers) {
    const row = results.get(reader) ?? [];
    const answersWrong = row.reduce((sum, result) => sum + result.wrong, 0);
    wrong += answersWrong;
    table[`${load.name}, ${reader}`] = {
      "CPU µs a chunk": rounded(medianOf(cpuOf(reader))),
      "÷ openai": rounded(ratioOf(cpuOf(reader), cpuOf("openai"))),
      "chunks a second": rounded(medianOf(row.map((result) => rateOf(load, result)))),
      "RSS MB": rounded(Math.max(...row.map(({ rssMb }) => rssMb))),
      wrong: answersWrong,
    };
  }
  if (load === OPEN) {
    const rssMb = Math.max(...(results.get("dianka") ?? []).map((result) => result.rssMb));
    verdicts.push(
      `${load.streams} open streams in ${rounded(rssMb)} MB (aim ${RSS_MB_MAX}, ${met(rssMb <= RSS_MB_MAX)})`,
    );
    return;
  }
  const share = ratioOf(cpuOf("dianka"), cpuOf("openai"));
  verdicts.push(
    `${load.name}: ${rounded(share)} of openai's CPU a chunk (aim ${rounded(CPU_SHARE_MAX)}, ${met(share <= CPU_SHARE_MAX)})`,
  );
}

/** Round by round, for what disturbs one reader disturbs the one after it too. */
function ratioOf(cpu: readonly number[], baseline: readonly number[]): number {
  return medianOf(cpu.map((micros, round) => micros / (baseline[round] ?? Number.NaN)));
}

function rateOf({ streams, chunks }: Load, { seconds }: RoundResult): number {
  return (streams * chunks) / seconds;
}

function met(isMet: boolean): string {
  return isMet ? "met" : "SHORT";
}

function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function rounded(number: number): number {
  return Number(number.toPrecision(3));
}
