import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../../../src/store/postmaster-file.ts";
import { above, type Fault, type FaultContext } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { seconds, waitFor } from "../wait-for.ts";

const DOSES = {
  short: { rounds: ["stop", "kill"], stopMs: 3_000 },
  long: {
    rounds: [...Array(10).fill("stop"), ...Array(5).fill("kill"), "long", "long"],
    stopMs: 500,
  },
} as const;
const LONG_STOP_MS = 30_000;
const BACK_MS_MAX = 5_000;
const SETTLE_MS = 180_000;
/** A question that was on its way when the database went may still reach the upstream. */
const GRACE_MS = 300;

/** PostgreSQL restarts in order, is killed, or stays away: nothing unmetered is served, and all goes on. */
export const postgresOutage: Fault = {
  id: "F5",
  title: "Postgres restarted, killed, stopped",
  onBothQueues: true,
  async run(context) {
    const { random } = context;
    const { rounds } = DOSES[context.dose];
    await using stage = await Stage.open({ ...context, isBreakable: true });
    const gateway = await stage.start("gateway");
    const worker = await stage.start("worker");
    const people = await stage.addPeople(12);
    const backMs: number[] = [];
    const problems: string[] = [];
    for (const kind of random.shuffle<string>(rounds)) {
      for (const person of people) stage.ask(person, { tokens: 60, tokenMs: 40 });
      await waitFor("answers stream", () => stage.streaming > 4, 60_000);
      await sleep(random.between(100, 900));
      const outage = await takeAway(context, stage, kind);
      problems.push(...outage.problems);
      const wasTold = await notReady(gateway.url);
      if (!wasTold) problems.push("/readyz says ready while the database is away");
      await sleep(outage.stopMs);
      const started = unmetered(stage, outage.awayAtMs + GRACE_MS);
      if (started > 0) problems.push(`${started} questions reached the upstream without a hold`);
      await context.machine.startPostgres();
      const backAtMs = performance.now();
      const fresh = (await stage.addPeople(1))[0] ?? 0;
      const question = stage.ask(fresh, { tokens: 5, tokenMs: 10 });
      await waitFor(
        "a new question reaches the upstream",
        () => stage.upstream.callsOf(question.text).length > 0,
        90_000,
      );
      backMs.push(performance.now() - backAtMs);
      await stage.settle(SETTLE_MS);
    }
    if (!isAlive(gateway.pid) || !isAlive(worker.pid)) problems.push("a process ended");
    return {
      rounds: rounds.length,
      seen: `${stage.questions.length} answers, back after p max ${seconds(Math.max(...backMs))}`,
      problems: [
        ...problems,
        ...(await checkInvariants(stage)),
        ...above("time until the first new question", Math.max(...backMs), BACK_MS_MAX, "ms"),
      ],
    };
  },
};

async function takeAway({ machine, dose }: FaultContext, stage: Stage, kind: string) {
  const awayAtMs = performance.now();
  if (kind === "kill") await machine.killPostgres();
  else await machine.stopPostgres();
  const stopMs = kind === "long" ? LONG_STOP_MS : DOSES[dose].stopMs;
  // Somebody writes while the database is away: it waits at Telegram and is answered later.
  const [person = 0] = stage.people;
  stage.ask(person, { tokens: 5, tokenMs: 10 });
  return { awayAtMs, stopMs, problems: [] as string[] };
}

async function notReady(url: string): Promise<boolean> {
  const { status } = await fetch(`${url}/readyz`);
  return status === 503;
}

/** Calls that began while nobody could hold anything. */
function unmetered(stage: Stage, fromMs: number): number {
  return stage.upstream.calls.filter(({ startedAtMs }) => startedAtMs > fromMs).length;
}
