import type { Behaviour } from "../../fakes/openai-behaviour.ts";
import { WitnessUpstream } from "../../fakes/witness-upstream.ts";
import { above, type Fault, type FaultContext, type Finding } from "../fault.ts";
import { PoolStage } from "../pool-stage.ts";
import { percentile } from "../wait-for.ts";

const DOSES = { short: 300, long: 5_000 } as const;
const KEYS = Array.from({ length: 8 }, (_, index) => `sk-flaky-${index + 1}`);
const FAULTY_SHARE = 0.3;
const COOL_MS = 800;
const AT_ONCE = 16;
const CONCURRENT_MAX = 6;
const SERVED_MIN = 0.999;
const TRIES_MAX = 1.6;
/** How far the number of tries of one question strays from the mean; few questions stray further. */
const TRIES_DEVIATION = 0.8;
/** A key that is refused always is out after so many calls. */
const DEAD_CALLS_MAX = 6;
const LIMITS = { requestsPerMinute: null, tokensPerMinute: null, concurrent: CONCURRENT_MAX };
const TIMEOUTS = { firstByteMs: 5_000, betweenChunksMs: 5_000, wholeMs: 30_000 };

/** Three of ten calls fail by chance on every key, once for each kind of failure; then one key is really dead. */
export const flakyKeys: Fault = {
  id: "F10",
  title: "30 % of calls 429, 500 or 401",
  onBothQueues: true,
  async run(context) {
    const runs: Finding[] = [];
    for (const status of [429, 500, 401]) runs.push(await runStatus(context, status));
    runs.push(await runDeadKey(context));
    return {
      rounds: runs.reduce((sum, { rounds }) => sum + rounds, 0),
      seen: runs.map(({ seen }) => seen).join("; "),
      problems: runs.flatMap(({ problems }) => problems),
    };
  },
};

async function runStatus(context: FaultContext, status: number): Promise<Finding> {
  const { dose, random } = context;
  const count = Math.ceil(DOSES[dose] / 3);
  const isFaulty = () => random.next() < FAULTY_SHARE;
  return await runPool(context, `${status}`, count, () => (isFaulty() ? faultOf(status) : GOOD));
}

/** One of eight keys is refused always: it has to leave soon, and nobody should notice. */
async function runDeadKey(context: FaultContext): Promise<Finding> {
  const calls = { dead: 0 };
  const finding = await runPool(context, "a dead key", 160, (key) => {
    if (key !== KEYS[0]) return GOOD;
    calls.dead += 1;
    return faultOf(401);
  });
  return {
    ...finding,
    seen: `${finding.seen}, called ${calls.dead} times`,
    problems: [
      ...finding.problems,
      ...above("calls of a dead key", calls.dead, DEAD_CALLS_MAX, ""),
    ],
  };
}

async function runPool(
  { machine, backend, random }: FaultContext,
  name: string,
  count: number,
  behave: (key: string) => Behaviour,
): Promise<Finding> {
  await using upstream = await WitnessUpstream.start({
    keys: KEYS,
    script: (_question, { key }) => behave(key),
    concurrentMax: CONCURRENT_MAX,
  });
  const redisUrl = backend === "redis" ? (machine.redis?.url ?? null) : null;
  await using stage = new PoolStage({
    upstream,
    keys: KEYS,
    limits: LIMITS,
    timeouts: TIMEOUTS,
    redisUrl: redisUrl === null ? null : redisUrl,
    random: () => random.next(),
  });
  await stage.pool.start();
  const questions = Array.from({ length: count }, (_, index) => `question ${index}`);
  const answers = await stage.askAll(questions, AT_ONCE);
  const served = answers.filter(({ isOk }) => isOk).length / count;
  const asked = upstream.calls.filter(({ question }) => question.startsWith("question"));
  const tries = asked.length / count;
  const failures = new Set(answers.flatMap(({ failure }) => failure ?? []));
  const triesMax = TRIES_MAX + (2 * TRIES_DEVIATION) / Math.sqrt(count);
  const firstWords = answers.flatMap(({ firstWordMs }) => firstWordMs ?? []);
  return {
    rounds: count,
    seen: `${name}: ${(served * 100).toFixed(2)} % of ${count} served, ${tries.toFixed(2)} tries, first word p50 ${Math.round(percentile(firstWords, 0.5))} ms`,
    problems: [
      ...(served >= SERVED_MIN
        ? []
        : [`${name}: ${(served * 100).toFixed(2)} % served (${[...failures].join(", ")})`]),
      ...(tries <= triesMax ? [] : [`${name}: ${tries.toFixed(2)} tries a question`]),
      ...upstream.violations.map((violation) => `I8: ${name}: ${violation}`),
    ],
  };
}

const GOOD: Behaviour = { tokens: 5, tokenMs: 4 };

function faultOf(status: number): Behaviour {
  const wait = status === 429 ? { retryAfterMs: String(COOL_MS) } : {};
  return { fault: { type: "status", status, ...wait } };
}
