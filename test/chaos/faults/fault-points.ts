import type { RunningProgram } from "../../fakes/running-program.ts";
import type { Fault, FaultContext } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { ADMIN_ENVIRONMENT, MONEY_ACTS, type MoneyAct } from "../money-acts.ts";
import { PostgresTap, type TapPoint } from "../postgres-tap.ts";
import { Stage } from "../stage.ts";
import { waitFor } from "../wait-for.ts";

/** At each statement. By hand: KILLS=5. */
const TIMES = { short: 1, long: Number(process.env.KILLS ?? 20) } as const;
const REACH_MS = 30_000;
const SETTLE_MS = 90_000;

/** The statements that a short run tries. */
const SHORT = new Set(["reply finished, hold captured", "card: committed", "grant: noted down"]);

interface Point extends TapPoint {
  readonly name: string;
  readonly act: MoneyAct;
}

/** kill -9 before and after each statement of the money paths; then a new process finds its way. */
export const faultPoints: Fault = {
  id: "F3",
  title: "killed at each statement of money",
  onBothQueues: false,
  async run(context) {
    const points = pointsOf(context);
    const environment = ADMIN_ENVIRONMENT;
    await using stage = await Stage.open({ ...context, backend: "postgres", environment });
    await using tap = new PostgresTap({
      host: "127.0.0.1",
      port: Number(new URL(stage.databaseUrl).port),
    });
    const tapped = new URL(stage.databaseUrl);
    tapped.port = String(await tap.open());
    const start = () => stage.start("all", { DATABASE_URL: tapped.href });
    let program = await start();
    const problems: string[] = [];
    for (const point of points) {
      const [person = 0] = await stage.addPeople(1);
      const act = await point.act.prepare(stage, person);
      await settleInbox(stage);
      const reached = tap.reach(point);
      act();
      // A message that was sent but not yet noted down is beyond anybody's reach.
      if (point.name === "placeholder saved" && point.phase === "before") stage.gone.add(person);
      const isReached = await strike(stage, program, reached);
      if (!isReached) problems.push(`"${point.name}" was never reached`);
      tap.disarm();
      program = await start();
      await stage.settle(SETTLE_MS);
      await settleInbox(stage);
    }
    for (const act of MONEY_ACTS) {
      const times = points.filter((point) => point.act === act).length;
      if (times > 0) problems.push(...(await act.check(stage, times)));
    }
    problems.push(...(await checkInvariants(stage)));
    const count = new Set(points.map(({ name, phase }) => `${name} ${phase}`)).size;
    return {
      rounds: points.length,
      seen: `${count} points × ${TIMES[context.dose]}: ${stage.questions.length} answers and ${points.length - stage.questions.length} cards, grants and links, each booked once`,
      problems,
    };
  },
};

function pointsOf({ dose, random }: FaultContext): Point[] {
  const points = MONEY_ACTS.flatMap((act) =>
    Object.entries(act.statements)
      .filter(([name]) => dose === "long" || SHORT.has(name))
      .flatMap(([name, statement]) => [
        { name, statement, act, phase: "before" as const },
        { name, statement, act, phase: "after" as const },
      ]),
  );
  return random.shuffle(Array.from({ length: TIMES[dose] }, () => points).flat());
}

async function strike(
  stage: Stage,
  program: RunningProgram,
  reached: Promise<void>,
): Promise<boolean> {
  let isReached = false;
  void reached.then(() => {
    isReached = true;
    program.signal("SIGKILL");
  });
  await waitFor("the point is reached", () => isReached, REACH_MS, 5).catch(() => {});
  await stage.kill(program);
  return isReached;
}

async function settleInbox(stage: Stage): Promise<void> {
  const isEmpty = async () => {
    const { rows } = await stage.pool.query(
      `SELECT FROM inbound WHERE handled_at IS NULL
       UNION ALL SELECT FROM notice WHERE state = 'queued'`,
    );
    return rows.length === 0 && stage.telegram.state.queue.pending.length === 0;
  };
  await waitFor("every message is handled", isEmpty, SETTLE_MS, 50);
}
