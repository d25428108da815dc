import { setTimeout as sleep } from "node:timers/promises";
import type { RedisServer } from "../../fakes/redis-server.ts";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { onRedis } from "../on-redis.ts";
import { Stage } from "../stage.ts";
import { seconds, waitFor } from "../wait-for.ts";

const DOSES = {
  short: { restart: 1, kill: 1, empty: 1, perSecond: 8 },
  long: { restart: 10, kill: 10, empty: 3, perSecond: 16 },
} as const;
const STEADY_MS = 2_000;
/** The share of the rate that has to be back, and within which time. */
const RATE_MIN = 0.9;
const BACK_MS_MAX = 5_000;
/** Far enough apart that two questions of one person do not become one. */
const EACH_ASKS_EVERY_S = 8;
/** People with a long answer when it happens. */
const BUSY = 4;
const MEASURE_MS = 3_000;
const SETTLE_MS = 120_000;

type Kind = "restart" | "kill" | "empty";

/** Redis restarts, is killed, or loses everything it kept while people ask: the outbox refills it. */
export const redisOutage: Fault = {
  id: "F4",
  title: "Redis restarted, killed, emptied",
  onBothQueues: false,
  needsRedis: true,
  async run(context) {
    const { machine, dose, random } = context;
    const { redis } = machine;
    if (redis === null) return { rounds: 0, seen: "no redis-server here", problems: [] };
    const doses = DOSES[dose];
    await using stage = await Stage.open({ ...context, backend: "redis" });
    await stage.start("gateway");
    await Promise.all([stage.start("worker"), stage.start("worker")]);
    const people = await stage.addPeople(doses.perSecond * EACH_ASKS_EVERY_S);
    const busy = await stage.addPeople(BUSY);
    const load = new SteadyLoad(stage, people, doses.perSecond);
    load.start();
    const kinds: readonly Kind[] = (["restart", "kill", "empty"] as const).flatMap((kind) => {
      return Array.from({ length: doses[kind] }, () => kind);
    });
    const backMs: number[] = [];
    const shares: number[] = [];
    for (const kind of random.shuffle(kinds)) {
      await sleep(STEADY_MS);
      // Their jobs are in Redis, and their locks have to be renewed while they stream.
      for (const person of busy) stage.ask(person, { tokens: 120, tokenMs: 40 });
      await waitFor("long answers stream", () => stage.streaming >= BUSY, 60_000);
      await strike(redis, kind);
      const struckAtMs = performance.now();
      await waitFor("answers go on", () => load.answeredAskedAfter(struckAtMs) > 0, 60_000);
      backMs.push(performance.now() - struckAtMs);
      await sleep(Math.max(0, struckAtMs + BACK_MS_MAX - performance.now()));
      shares.push(await load.shareAnswered(MEASURE_MS));
    }
    load.stop();
    await stage.settle(SETTLE_MS);
    const worst = Math.min(...shares);
    return {
      rounds: kinds.length,
      seen: `${stage.questions.length} answers at ${doses.perSecond}/s, first answer to a new question after ≤ ${seconds(Math.max(...backMs))}, rate back at ≥ ${Math.round(worst * 100)} %, slowest answer ${seconds(await slowest(stage))}`,
      problems: [
        ...(await checkInvariants(stage)),
        ...above("time until answers go on", Math.max(...backMs), BACK_MS_MAX + 2_000, "ms"),
        ...(worst >= RATE_MIN ? [] : [`the rate is back at ${Math.round(worst * 100)} % only`]),
      ],
    };
  },
};

async function strike(redis: RedisServer, kind: Kind): Promise<void> {
  if (kind === "empty") {
    await onRedis(redis.url, (client) => client.flushall());
    return;
  }
  await (kind === "kill" ? redis.kill() : redis.stop());
  await redis.restart();
}

async function slowest({ pool }: Stage): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>(
    "SELECT max(extract(epoch FROM delivered_at - created_at) * 1000)::float AS ms FROM reply",
  );
  return rows[0]?.ms ?? 0;
}

/** People who ask at a steady rate, whatever becomes of the answers. */
class SteadyLoad {
  readonly #stage: Stage;
  readonly #people: readonly number[];
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | null = null;
  #next = 0;

  constructor(stage: Stage, people: readonly number[], perSecond: number) {
    this.#stage = stage;
    this.#people = people;
    this.#everyMs = 1000 / perSecond;
  }

  start(): void {
    this.#timer = setInterval(() => {
      const person = this.#people[this.#next % this.#people.length] ?? 0;
      this.#next += 1;
      this.#stage.ask(person, { tokens: 12, tokenMs: 20 });
    }, this.#everyMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  answeredAskedAfter(atMs: number): number {
    const { upstream, questions } = this.#stage;
    const done = new Set(
      upstream.calls.flatMap(({ end, question }) => (end === "finished" ? [question] : [])),
    );
    return questions.filter(({ askedAtMs, text }) => askedAtMs > atMs && done.has(text)).length;
  }

  /** Answers that end in the next while, as a share of the questions asked in it. */
  async shareAnswered(durationMs: number): Promise<number> {
    const { upstream, questions } = this.#stage;
    const fromMs = performance.now();
    const askedBefore = questions.length;
    await sleep(durationMs);
    const ended = upstream.calls.filter(({ end, endedAtMs }) => {
      return end === "finished" && (endedAtMs ?? 0) >= fromMs;
    });
    return ended.length / (questions.length - askedBefore);
  }
}
