/**
 * From a person's message to the request at the model, on Redis, and what load and growth do to it:
 * `npm run bench:pipeline`, three to four minutes.
 *
 * Every process is real: the program, PostgreSQL (with fsync), Redis, a Telegram and a model on loopback.
 * Plain BullMQ on the same Redis is measured in turns with it; ratios count, not times.
 */
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { migrate } from "../src/store/migrate.ts";
import { BareQueue } from "./pipeline/bare-queue.ts";
import { BenchProgram } from "./pipeline/bench-program.ts";
import { measureGrowth } from "./pipeline/growth.ts";
import { median, quantile } from "./pipeline/quantiles.ts";

const MIGRATIONS_DIR = fileURLToPath(new URL("../prisma/migrations", import.meta.url));
const PEOPLE = 40;
const ROUNDS = 10;
const ASKS_PER_ROUND = 40;
const QUEUED = 200;
const CROWD = 400;
/** So long that what bounds a worker is the answers it writes at once (100), not the two processors all share. */
const ANSWER_MS = 6_000;
const AIMS = { p50: 6, p99: 5, fairness: 2, scaling: 1.6, growth: 1.3 };

const verdicts: string[] = [];

function judge(name: string, ratio: number, aim: number, isAtLeast = false): void {
  const isReached = isAtLeast ? ratio >= aim : ratio <= aim;
  const sign = isAtLeast ? ">=" : "<=";
  const text = `${name} ${ratio.toFixed(2)}x (${sign} ${aim}: ${isReached ? "reached" : "MISSED"})`;
  console.log(`  ${text}`);
  verdicts.push(text);
}

console.log(
  `Node ${process.version}, ${cpus()[0]?.model} × ${cpus().length}, load ${loadavg()[0]?.toFixed(1)}`,
);
await using bench = await BenchProgram.create();
await bench.run(["all"]);

// Everybody has an account and a conversation before anything is measured.
for (let person = 1; person <= PEOPLE; person += 1) await bench.ask(person);

console.log("\nupdate in → request out, against bare BullMQ add → start");
const ours: number[] = [];
const bare: number[] = [];
{
  await using queue = new BareQueue(bench.redis.url);
  for (let call = 0; call < 100; call += 1) await queue.measure();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let ask = 0; ask < ASKS_PER_ROUND; ask += 1) {
      ours.push(await bench.ask(1 + (ask % PEOPLE)));
      bare.push(await queue.measure());
    }
  }
}
const row = (values: readonly number[]) => ({
  "p50 ms": Number(median(values).toFixed(2)),
  "p99 ms": Number(quantile(values, 0.99).toFixed(2)),
});
console.table({ "bare BullMQ": row(bare), Dianka: row(ours) });
judge("p50", median(ours) / median(bare), AIMS.p50);
judge("p99", quantile(ours, 0.99) / quantile(bare, 0.99), AIMS.p99);

console.log(`\nother people's start while one person has ${QUEUED} questions queued`);
bench.model.answerMs = 100;
const idle: number[] = [];
const beside: number[] = [];
for (let ask = 0; ask < 200; ask += 1) idle.push(await bench.ask(2 + (ask % (PEOPLE - 1))));
const flood = Array.from({ length: QUEUED }, () => bench.post(1).arrived);
for (let ask = 0; ask < 200; ask += 1) beside.push(await bench.ask(2 + (ask % (PEOPLE - 1))));
console.table({ idle: row(idle), "beside the 200": row(beside) });
judge("fairness p99", quantile(beside, 0.99) / quantile(idle, 0.99), AIMS.fairness);
await Promise.all(flood);
bench.model.answerMs = ANSWER_MS;

console.log(
  `\n${CROWD} people ask at once, answers take ${ANSWER_MS / 1000} s: questions a second`,
);
const rates: Record<number, number[]> = { 1: [], 2: [] };
for (const workers of [1, 2, 2, 1]) {
  await bench.run(["gateway", ...Array.from({ length: workers }, () => "worker" as const)]);
  const fromMs = performance.now();
  const asked = Array.from({ length: CROWD }, (_, index) => bench.post(10_000 + index).arrived);
  await Promise.all(asked);
  rates[workers]?.push((CROWD * 1000) / (performance.now() - fromMs));
}
const mean = (values: readonly number[] = []) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
console.table({
  "1 worker": { "a second": mean(rates[1]) },
  "2 workers": { "a second": mean(rates[2]) },
});
judge("two workers", mean(rates[2]) / mean(rates[1]), AIMS.scaling, true);
await bench.run([]);

console.log("\nwith a thousand and with a million cards and turns");
const growth = await measureGrowth(bench.databaseUrl, async (url) => {
  await migrate(url, MIGRATIONS_DIR);
});
console.table(growth);
for (const [operation, { smallMs, largeMs }] of Object.entries(growth)) {
  judge(operation, largeMs / smallMs, AIMS.growth);
}

console.log(`\npipeline: ${verdicts.join("; ")}; load average ${loadavg()[0]?.toFixed(1)}`);
