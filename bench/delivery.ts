/**
 * How fresh growing answers are, and whether platforms ever refuse us: `node bench/delivery.ts`,
 * well under a minute.
 *
 * On a virtual clock one bot streams 60 s answers into 100 private chats and 20 groups at once,
 * behind a network of 20 to 80 ms and against models of the platforms' limits that share no code
 * with ours. The same answers are shown by an editor with a fixed interval of 500 ms.
 *
 * - used: calls made while answers grow, of those that the pace we declare for the platform allows
 *   and finals of other answers leave.
 * - lag: how long the oldest hidden character had been there, at every change of a screen. Late is
 *   more than one allowed interval + 150 ms. Where all chats together may do less than each for
 *   itself, the wait for a turn of each other answer is part of the interval.
 * - beyond own interval: the strict count, without that wait. It says how much the limit of the whole
 *   bot costs in freshness, and is no failure.
 * - final: from the end of an answer to all of it being readable.
 */
import { loadavg } from "node:os";
import { dianka, fixedInterval } from "./delivery/editors.ts";
import { PLATFORMS } from "./delivery/platforms.ts";
import { run } from "./delivery/run.ts";
import { summarize } from "./delivery/summary.ts";

const SEED = Number(process.env.SEED ?? 20_261_122);

const startedMs = performance.now();
const rows: Record<string, Record<string, string | number>> = {};
const verdicts: string[] = [];
let failed = 0;
for (const platform of PLATFORMS) {
  const ours = summarize(platform, await run(platform, dianka, SEED));
  rows[`${platform.name}, dianka`] = ours.row;
  verdicts.push(`${platform.name} ${ours.verdict}`);
  if (!ours.isGood) failed += 1;
  if (platform.capabilities.edit === null) continue;
  const fixed = summarize(platform, await run(platform, fixedInterval, SEED));
  rows[`${platform.name}, fixed 500 ms`] = fixed.row;
  verdicts.push(`(500 ms: ${fixed.verdict})`);
}
console.log(`seed ${SEED}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`);
console.table(rows);
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.log(
  `delivery: ${failed === 0 ? "ok" : `${failed} FAILED`}; ${verdicts.join("; ")}; ${seconds} s`,
);
if (failed > 0) process.exitCode = 1;
