import { setTimeout as sleep } from "node:timers/promises";
import type { RunningProgram } from "../../fakes/running-program.ts";
import { AttemptLog } from "../attempt-log.ts";
import { above, type Fault, type FaultContext, type Finding } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { keepAsking } from "../load.ts";
import { Stage } from "../stage.ts";
import { percentile, seconds } from "../wait-for.ts";

const DOSES = {
  short: { kills: 3, answers: 20, workers: 2, people: 8 },
  long: { kills: 200, answers: 2_000, workers: 4, people: 40 },
} as const;
const TAKEOVER_MS_MAX = 6_000;
const SETTLE_MS = 120_000;

interface Kill {
  readonly atMs: number;
  /** The questions whose answers it broke. */
  readonly questions: readonly string[];
}

/** kill -9 of workers while answers stream: others take over, in the same message, charged once. */
export const workerKills: Fault = {
  id: "F1",
  title: "worker killed in mid-answer",
  onBothQueues: true,
  async run(context) {
    await using stage = await Stage.open(context);
    return await run(stage, context);
  },
};

async function run(stage: Stage, { dose, random }: FaultContext): Promise<Finding> {
  const { kills: killsWanted, answers, workers: workerCount, people: peopleCount } = DOSES[dose];
  const attempts = await AttemptLog.open(stage.pool);
  await stage.start("gateway");
  const workers = await Promise.all(
    Array.from({ length: workerCount }, () => stage.start("worker")),
  );
  const people = await stage.addPeople(peopleCount);
  const kills: Kill[] = [];
  const loading = keepAsking(stage, {
    people,
    total: answers,
    play: () => ({ tokens: random.between(20, 80), tokenMs: 40 }),
  });
  const starting = new Set<Promise<void>>();
  while (kills.length < killsWanted) {
    await sleep(random.between(1_000, 2_500));
    // Somebody has to be there to take over.
    while (workers.length < Math.max(2, workerCount / 2)) await Promise.race(starting);
    const victim = random.pick(workers);
    workers.splice(workers.indexOf(victim), 1);
    kills.push(await killInMidAnswer(stage, victim));
    const started = stage.start("worker").then((worker) => {
      workers.push(worker);
      starting.delete(started);
    });
    starting.add(started);
  }
  await Promise.all(starting);
  await loading;
  await stage.settle(SETTLE_MS);
  const begun = await attempts.read();
  const takeovers = kills.flatMap((kill) => takeoverTimes(stage, kill, begun));
  const p99 = percentile(takeovers, 0.99);
  return {
    rounds: kills.length,
    seen: `${answers} answers, ${takeovers.length} broken and taken over in p50 ${seconds(percentile(takeovers, 0.5))}, p99 ${seconds(p99)}, max ${seconds(Math.max(0, ...takeovers))}`,
    problems: [
      ...(await checkInvariants(stage)),
      ...above("takeover p99", p99, TAKEOVER_MS_MAX, "ms"),
    ],
  };
}

async function killInMidAnswer(stage: Stage, victim: RunningProgram): Promise<Kill> {
  const atMs = performance.now();
  await stage.kill(victim);
  // A socket of a process that is gone closes at once.
  await sleep(50);
  const broken = stage.upstream.calls.filter((call) => {
    return call.end === "left" && (call.endedAtMs ?? 0) >= atMs;
  });
  return { atMs, questions: broken.map(({ question }) => question) };
}

/**
 * How long after the kill the next worker began each broken answer. A kill that hits that worker before
 * it has asked the upstream breaks the answer once more, and is not counted against the first one.
 */
function takeoverTimes(
  stage: Stage,
  { atMs, questions }: Kill,
  begun: ReadonlyMap<string, readonly number[]>,
): number[] {
  return questions.flatMap((text) => {
    const question = stage.questions.find((each) => each.text === text);
    const times = begun.get(`${question?.person}:${question?.messageId}`) ?? [];
    const next = times.find((time) => time > atMs);
    return next === undefined ? [] : [next - atMs];
  });
}
