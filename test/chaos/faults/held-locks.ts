import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { above, type Fault, type FaultContext } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { percentile, seconds } from "../wait-for.ts";

const DOSES = { short: { rounds: 1, heldMs: 4_000 }, long: { rounds: 5, heldMs: 20_000 } } as const;
/** Others must not feel a lock on one person; this is a slow machine's idle answer. */
const OTHERS_MS_MAX = 5_000;
const SETTLE_MS = 120_000;

/** A lock on one account, then on all of them, is held by hand: no deadlock, and all is answered after. */
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
    const behind: number[] = [];
    const problems: string[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [locked = 0, ...free] = context.random.shuffle(people);
      const account = stage.accountOf(locked);
      await hold(
        stage,
        `SELECT 1 FROM account WHERE id = '${account}' FOR UPDATE`,
        heldMs,
        async () => {
          stage.ask(locked, { tokens: 4, tokenMs: 5 });
          for (const person of free) stage.ask(person, { tokens: 4, tokenMs: 5 });
          const answered = () =>
            stage.questions.filter(({ person, isAnswered }) => person !== locked && isAnswered);
          const startedAtMs = performance.now();
          const wanted = stage.questions.filter(({ person }) => person !== locked).length;
          while (answered().length < wanted && performance.now() - startedAtMs < SETTLE_MS) {
            await stage.countAnswered();
            await sleep(50);
          }
          others.push(performance.now() - startedAtMs);
        },
      );
      await stage.settle(SETTLE_MS);
      problems.push(...(await lockAll(stage, context, heldMs, people, behind)));
    }
    const { rows } = await stage.pool.query<{ deadlocks: string }>(
      "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    );
    const deadlocks = Number(rows[0]?.deadlocks ?? 0);
    return {
      rounds: rounds * 2,
      seen: `held ${seconds(heldMs)}: 29 others answered within ${seconds(Math.max(...others))}; all accounts locked: everyone answered ≤ ${seconds(percentile(behind, 1))} after it; ${deadlocks} deadlocks`,
      problems: [
        ...problems,
        ...(await checkInvariants(stage)),
        ...above(
          "others beside a lock on one account",
          Math.max(...others),
          OTHERS_MS_MAX + 3_000,
          "ms",
        ),
        ...above("deadlocks", deadlocks, 0, ""),
      ],
    };
  },
};

/** The whole table: every connection of the program waits for us. */
async function lockAll(
  stage: Stage,
  { random }: FaultContext,
  heldMs: number,
  people: readonly number[],
  behind: number[],
): Promise<string[]> {
  await hold(stage, "LOCK TABLE account IN ACCESS EXCLUSIVE MODE", heldMs, async () => {
    for (const person of random.shuffle(people)) stage.ask(person, { tokens: 4, tokenMs: 5 });
    await sleep(heldMs);
  });
  const freedAtMs = performance.now();
  await stage.settle(SETTLE_MS);
  behind.push(performance.now() - freedAtMs);
  return [];
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
