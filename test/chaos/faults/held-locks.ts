import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import type { Question } from "../question.ts";
import { REFUSAL } from "../refusals.ts";
import { Stage } from "../stage.ts";
import { percentile, seconds, waitFor } from "../wait-for.ts";

const DOSES = { short: { rounds: 1, heldMs: 4_000 }, long: { rounds: 5, heldMs: 20_000 } } as const;
/** Others must not feel a lock on one person; this is a slow machine's idle answer. */
const OTHERS_MS_MAX = 8_000;
/** By then whoever cannot be served must have been told, from the message on Telegram to ours. */
const REFUSED_MS_MAX = 3_000;
const SETTLE_MS = 120_000;
const PLAY = { tokens: 4, tokenMs: 5 } as const;

/**
 * A lock on one account, then on all of them, is held by hand: no deadlock; whoever runs into it is
 * told soon to try again, and nothing was done for them; all others are answered.
 */
export const heldLocks: Fault = {
  id: "F6",
  title: "locks held, pool exhausted",
  onBothQueues: false,
  async run(context) {
    const { rounds, heldMs } = DOSES[context.dose];
    await using stage = await Stage.open(context);
    await stage.start("all");
    const people = await stage.addPeople(30);
    const others: number[] = [];
    const refusals: Refusal[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [locked = 0, ...free] = context.random.shuffle(people);
      const account = stage.accountOf(locked);
      const lock = `SELECT 1 FROM account WHERE id = '${account}' FOR UPDATE`;
      await hold(stage, lock, heldMs, async () => {
        const refused = takeRefusals(stage, [stage.ask(locked, PLAY)], heldMs);
        others.push(await answerTimeOf(stage, free));
        refusals.push(...(await refused));
      });
      await stage.settle(SETTLE_MS);
      // The whole table: every connection of the program waits for us.
      await hold(stage, "LOCK TABLE account IN ACCESS EXCLUSIVE MODE", heldMs, async () => {
        const asked = context.random.shuffle(people).map((person) => stage.ask(person, PLAY));
        refusals.push(...(await takeRefusals(stage, asked, heldMs)));
      });
      // And then they do try again.
      for (const person of people) stage.ask(person, PLAY);
      await stage.settle(SETTLE_MS);
    }
    const { rows } = await stage.pool.query<{ deadlocks: string }>(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    );
    const deadlocks = Number(rows[0]?.deadlocks ?? 0);
    const refusedMs = percentile(
      refusals.map(({ afterMs }) => afterMs),
      1,
    );
    return {
      rounds: rounds * 2,
      seen: `held ${seconds(heldMs)}: 29 others answered within ${seconds(Math.max(...others))}; ${refusals.length} of ${31 * rounds} behind a lock told to try again, the last after ${seconds(refusedMs)}; ${deadlocks} deadlocks`,
      problems: [
        ...(refusals.length === 31 * rounds ? [] : ["somebody behind a lock was not told"]),
        ...(await findHalfDone(stage, refusals)),
        ...(await checkInvariants(stage, refusals.length)),
        ...above("told to try again", refusedMs, REFUSED_MS_MAX, "ms"),
        ...above("others beside a lock on one account", Math.max(...others), OTHERS_MS_MAX, "ms"),
        ...above("deadlocks", deadlocks, 0, ""),
      ],
    };
  },
};

/** A question that was not taken. */
interface Refusal {
  readonly question: Question;
  readonly afterMs: number;
}

/** How long it takes until each of these people has an answer to a new question. */
async function answerTimeOf(stage: Stage, people: readonly number[]): Promise<number> {
  const startedAtMs = performance.now();
  const asked = people.map((person) => stage.ask(person, PLAY));
  const isDone = async () => {
    await stage.countAnswered();
    return asked.every(({ isAnswered }) => isAnswered);
  };
  await waitFor("the others are answered", isDone, SETTLE_MS, 50);
  return performance.now() - startedAtMs;
}

/** Waits until the people are told to try again. Their questions are not on the stage any more. */
async function takeRefusals(
  stage: Stage,
  asked: readonly Question[],
  limitMs: number,
): Promise<Refusal[]> {
  const countOf = (person: number) =>
    stage.botMessages(person).filter(({ text }) => text.includes(REFUSAL)).length;
  const waiting = new Map(asked.map((question) => [question, countOf(question.person)]));
  const refusals: Refusal[] = [];
  const endMs = performance.now() + limitMs;
  while (waiting.size > 0 && performance.now() < endMs) {
    for (const [question, before] of waiting) {
      if (countOf(question.person) === before) continue;
      waiting.delete(question);
      refusals.push({ question, afterMs: performance.now() - question.askedAtMs });
      stage.questions.splice(stage.questions.indexOf(question), 1);
    }
    await sleep(10);
  }
  return refusals;
}

/** Whoever was told that nothing happened must find that nothing did. */
async function findHalfDone(stage: Stage, refusals: readonly Refusal[]): Promise<string[]> {
  const replies = await stage.readReplies();
  return refusals
    .filter(({ question }) => replies.has(`${question.person}:${question.messageId}`))
    .map(({ question }) => `"${question.text}" was refused and taken all the same`);
}

async function hold(stage: Stage, lock: string, heldMs: number, meanwhile: () => Promise<void>) {
  const client = new pg.Client({
    connectionString: stage.databaseUrl,
    application_name: "by hand",
  });
  await client.connect();
  try {
    await client.query("BEGIN");
    await client.query(lock);
    await Promise.all([sleep(heldMs), meanwhile()]);
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}
