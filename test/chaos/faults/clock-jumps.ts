import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { seconds, waitFor } from "../wait-for.ts";

const SHIFTED_CLOCK = pathToFileURL(
  fileURLToPath(new URL("../shifted-clock.mjs", import.meta.url)),
);
const HOUR_MS = 60 * 60_000;
const JUMPS = {
  short: ["+1 h", "-1 h"],
  long: [
    "+1 h",
    "-1 h",
    "+1 h",
    "-1 h",
    "year end",
    "summer time",
    "winter time",
    "+1 h",
    "-1 h",
    "+1 h",
  ],
} as const;
const STREAMS = 8;
/** An answer may take so much longer than its stream. */
const LATE_MS_MAX = 15_000;

/** The wall clock of the programs jumps while answers stream: nothing ends early and nothing stands still. */
export const clockJumps: Fault = {
  id: "F18",
  title: "clock jumps, DST, year end",
  onBothQueues: true,
  async run(context) {
    const jumps = JUMPS[context.dose];
    const clock = join(context.machine.folder, `clock-${performance.now()}`);
    await writeFile(clock, "0");
    await using stage = await Stage.open({
      ...context,
      environment: {
        NODE_OPTIONS: `--import ${SHIFTED_CLOCK.href}`,
        CHAOS_CLOCK: clock,
        TZ: "America/New_York",
        TRIAL_MESSAGES: "2",
      },
    });
    await stage.start("gateway");
    await stage.start("worker");
    const people = await stage.addPeople(STREAMS);
    let shiftMs = 0;
    let latestMs = 0;
    for (const jump of jumps) {
      for (const person of people) stage.ask(person, { tokens: 60, tokenMs: 40 });
      await waitFor("answers stream", () => stage.streaming >= STREAMS / 2, 60_000);
      shiftMs = shiftAfter(jump, shiftMs);
      await writeFile(clock, String(shiftMs));
      const jumpedAtMs = performance.now();
      await sleep(300);
      // One who asks after the jump too.
      const [fresh = 0] = await stage.addPeople(1);
      stage.ask(fresh, { tokens: 5, tokenMs: 10 });
      await stage.settle(120_000);
      latestMs = Math.max(latestMs, performance.now() - jumpedAtMs);
    }
    const replies = [...(await stage.readReplies()).values()];
    const failed = replies.filter(({ failure }) => failure !== null);
    const { rows } = await stage.pool.query<{ ended: number; twice: number }>(
      `SELECT (SELECT count(*) FROM entry WHERE to_account = 'breakage')::int AS ended,
         (SELECT count(*) FROM (SELECT 1 FROM lot WHERE cause LIKE 'trial:%'
           GROUP BY account_id HAVING count(*) > 1) more)::int AS twice`,
    );
    return {
      rounds: jumps.length,
      seen: `${jumps.join(", ")}: ${replies.length} answers, ${failed.length} failed, all within ${seconds(latestMs)}; ${rows[0]?.ended} lots ended early, ${rows[0]?.twice} trials twice`,
      problems: [
        ...failed.map(({ failure }) => `I5: an answer failed (${failure})`).slice(0, 3),
        ...above("answers after a jump", latestMs, LATE_MS_MAX, "ms"),
        ...above("lots ended early", rows[0]?.ended ?? 0, 0, ""),
        ...above("trials given twice", rows[0]?.twice ?? 0, 0, ""),
        ...(await checkInvariants(stage)),
      ],
    };
  },
};

/** By how much the clock is wrong after the jump. */
function shiftAfter(jump: string, shiftMs: number): number {
  if (jump === "+1 h") return shiftMs + HOUR_MS;
  if (jump === "-1 h") return shiftMs - HOUR_MS;
  const nowMs = Date.now();
  const year = new Date(nowMs).getUTCFullYear() + 1;
  // A second before the event, in New York, where the programs are: they pass it while they stream.
  const moment = {
    "year end": Date.UTC(year, 0, 1, 5, 0, 0),
    "summer time": secondSunday(year, 2, 7),
    "winter time": secondSunday(year, 10, 6) - 7 * 24 * HOUR_MS,
  }[jump];
  return (moment ?? nowMs) - 1_000 - nowMs;
}

/** The second Sunday of a month, at an hour of UTC: when the clocks of New York change. */
function secondSunday(year: number, month: number, hour: number): number {
  const first = new Date(Date.UTC(year, month, 1, hour));
  const untilSunday = (7 - first.getUTCDay()) % 7;
  return first.getTime() + (untilSunday + 7) * 24 * HOUR_MS;
}
