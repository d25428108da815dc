/**
 * How many full charges a second the ledger takes: `node bench/ledger.ts`, about two minutes.
 *
 * A full charge is a hold and its capture with all their rows and lines of the journal, each committed
 * to disk before its caller is answered. All contenders are measured in turns in the same run on one
 * server; ratios of medians count, not times. `spread`: over 10,000 accounts. `hot`: all on one.
 * The books are checked at the end: every charge that was answered, and nothing else, is in them.
 */
import { cpus, loadavg } from "node:os";
import { auditLedger } from "../src/store/ledger-audit.ts";
import { createPgPool } from "../src/store/pg-pool.ts";
import { bareUpdate } from "./ledger/bare-update.ts";
import { ACCOUNTS, openBenchDatabase } from "./ledger/bench-database.ts";
import type { Contender, Load, Measurement } from "./ledger/contender.ts";
import { CHARGED, dianka, diankaOneByOne, loneCaller } from "./ledger/dianka.ts";
import { prismaTransaction } from "./ledger/prisma.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const MEASURED_MS = 3_000;
const LONE_MS = 1_000;
const LOADS: readonly Load[] = ["spread", "hot"];
const AIMS = {
  prisma: { spread: 20, hot: 50 },
  pgbench: { spread: 1, hot: 5 },
} as const;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return ((sorted[middle] ?? 0) + (sorted[sorted.length - 1 - middle] ?? 0)) / 2;
}

/** Medians over the rounds, by contender and load. */
class Results {
  readonly #measurements = new Map<string, Measurement[]>();

  add(contender: Contender, load: Load, measurement: Measurement): void {
    const key = `${contender.name} ${load}`;
    this.#measurements.set(key, [...(this.#measurements.get(key) ?? []), measurement]);
  }

  median(contender: Contender, load: Load, field: keyof Measurement): number {
    const all = this.#measurements.get(`${contender.name} ${load}`) ?? [];
    return median(all.map((measurement) => measurement[field] ?? Number.NaN));
  }

  done(contender: Contender): number {
    const all = LOADS.flatMap((load) => this.#measurements.get(`${contender.name} ${load}`) ?? []);
    return all.reduce((sum, { done }) => sum + done, 0);
  }
}

/** Rows of all contenders, one beside the other. */
function rowOf(results: Results, contender: Contender): Record<string, string | number> {
  const row: Record<string, string | number> = {};
  for (const load of LOADS) {
    const [p50, p99] = [
      results.median(contender, load, "p50Ms"),
      results.median(contender, load, "p99Ms"),
    ];
    row[`${load}: callers`] = contender.callers(load);
    row[`${load}: a second`] = Math.round(results.median(contender, load, "perSecond"));
    row[`${load}: p50 / p99 ms`] = Number.isNaN(p50) ? "" : `${p50.toFixed(1)} / ${p99.toFixed(1)}`;
  }
  return row;
}

async function checkBooks(url: string, charges: number): Promise<string[]> {
  const pool = createPgPool(url, { max: 1, applicationName: "bench audit" });
  try {
    const faults = (await auditLedger(pool)).map((fault) => JSON.stringify(fault));
    const { rows } = await pool.query<{ holds: bigint; revenue: bigint }>(
      `SELECT (SELECT count(*) FROM hold WHERE state = 'captured') AS holds,
        (SELECT coalesce(sum(amount), 0)::bigint FROM entry WHERE to_account = 'revenue') AS revenue`,
    );
    const [books] = rows;
    if (books?.holds !== BigInt(charges) || books.revenue !== BigInt(charges) * CHARGED) {
      faults.push(
        `${charges} charges were answered, ${books?.holds} for ${books?.revenue} are in the books`,
      );
    }
    return faults;
  } finally {
    await pool.end();
  }
}

const startedMs = performance.now();
const loadBefore = loadavg()[0] ?? 0;
await using database = await openBenchDatabase();
await using stack = new AsyncDisposableStack();
const grouped = stack.use(dianka(database.ledgerUrl));
const oneByOne = stack.use(diankaOneByOne(database.ledgerUrl));
const prisma = stack.use(prismaTransaction(database.ledgerUrl));
const pgbench = stack.use(await bareUpdate(database.walletUrl));
const lone = [true, false].map((isGrouped) => stack.use(loneCaller(database.ledgerUrl, isGrouped)));
const contenders = [grouped, oneByOne, prisma, pgbench];

const results = new Results();
const loneResults = new Results();
const warmUp = new Results();
for (const contender of [...contenders, ...lone]) {
  for (const load of LOADS) warmUp.add(contender, load, await contender.measure(load, 500));
}
for (let round = 0; round < ROUNDS; round += 1) {
  for (const load of LOADS) {
    for (const contender of contenders) {
      results.add(contender, load, await contender.measure(load, MEASURED_MS));
    }
  }
  for (const contender of lone) {
    loneResults.add(contender, "spread", await contender.measure("spread", LONE_MS));
  }
}

console.log(
  `Node ${process.version}, PostgreSQL ${database.version}, ${cpus()[0]?.model} × ${cpus().length}, ` +
    `${ACCOUNTS} accounts, ${ROUNDS} rounds of ${MEASURED_MS / 1000} s, ` +
    `load ${loadBefore.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after`,
);
console.table(
  Object.fromEntries(contenders.map((contender) => [contender.name, rowOf(results, contender)])),
);
const lonely = lone.map((contender) => loneResults.median(contender, "spread", "p50Ms"));
console.log(
  `\none caller alone: ${lonely[0]?.toFixed(2)} ms a charge in groups, ${lonely[1]?.toFixed(2)} ms one by one`,
);

const verdicts: string[] = [];
for (const [baseline, name] of [
  [prisma, "prisma"],
  [pgbench, "pgbench"],
] as const) {
  for (const load of LOADS) {
    const ratio =
      results.median(grouped, load, "perSecond") / results.median(baseline, load, "perSecond");
    const aim = AIMS[name][load];
    const verdict = ratio >= aim ? "reached" : "NOT reached";
    console.log(`${load}: ${ratio.toFixed(2)} x ${baseline.name}, aim >= ${aim}: ${verdict}`);
    verdicts.push(`${ratio.toFixed(2)} x ${name} ${load} (aim ${aim}, ${verdict})`);
  }
}

const everyone = [grouped, oneByOne, prisma, ...lone];
const charges = everyone.reduce(
  (sum, contender) =>
    sum + results.done(contender) + loneResults.done(contender) + warmUp.done(contender),
  0,
);
const faults = await checkBooks(database.ledgerUrl, charges);
for (const fault of faults) console.log(fault);
if (faults.length > 0) process.exitCode = 1;
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
console.log(
  `ledger: ${verdicts.join(", ")}; ${faults.length} faults in the books of ${charges} charges; ${seconds} s`,
);
