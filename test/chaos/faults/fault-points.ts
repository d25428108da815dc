import { createCardPepper } from "../../../src/core/cards/card-code.ts";
import { createBatch } from "../../../src/core/cards/create-batch.ts";
import { PgCardStore } from "../../../src/store/pg-card-store.ts";
import { readSecretKey } from "../../../src/store/secret-key.ts";
import type { RunningProgram } from "../../fakes/running-program.ts";
import type { Fault, FaultContext } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { PostgresTap, type TapPoint } from "../postgres-tap.ts";
import { SECRET_KEY, Stage } from "../stage.ts";
import { waitFor } from "../wait-for.ts";

/** At each statement. By hand: KILLS=5. */
const TIMES = { short: 1, long: Number(process.env.KILLS ?? 20) } as const;
const REACH_MS = 30_000;
const SETTLE_MS = 90_000;

/** Every statement on the way of money, from the message to its answer. */
const QUESTION_STATEMENTS = {
  "message saved": /INSERT INTO inbound/,
  "person identified": /identify_person/,
  "reply opened, hold placed": /open_reply/,
  "reply released": /release_replies/,
  "job added": /add_job/,
  "message done": /UPDATE inbound SET handled_at/,
  "reply started": /start_reply/,
  "placeholder saved": /INSERT INTO reply_message/,
  "reply finished, hold captured": /finish_reply/,
  "reply delivered": /UPDATE reply SET delivered_at/,
};
const REDEEM_STATEMENTS = {
  "card: account locked": /SELECT lock_account\(id\)/,
  "card: redeemed": /redeem_card/,
  "card: committed": /^COMMIT/,
  "card: message done": /UPDATE inbound SET handled_at/,
};
/** The statements that a short run tries. */
const SHORT = new Set(["reply finished, hold captured", "card: committed"]);

interface Point extends TapPoint {
  readonly name: string;
  readonly act: "ask" | "redeem";
}

/** kill -9 before and after each statement of the money paths; then a new process finds its way. */
export const faultPoints: Fault = {
  id: "F3",
  title: "killed at each statement of money",
  onBothQueues: false,
  async run(context) {
    const points = pointsOf(context);
    await using stage = await Stage.open({ ...context, backend: "postgres" });
    await using tap = new PostgresTap({
      host: "127.0.0.1",
      port: Number(new URL(stage.databaseUrl).port),
    });
    const tapped = new URL(stage.databaseUrl);
    tapped.port = String(await tap.open());
    const start = () => stage.start("all", { DATABASE_URL: tapped.href });
    const codes = await printCards(stage, context, points.length);
    let program = await start();
    const problems: string[] = [];
    let redeemed = 0;
    for (const point of points) {
      const [person = 0] = await stage.addPeople(1);
      const reached = tap.reach(point);
      if (point.act === "ask") stage.ask(person, { tokens: 8, tokenMs: 10 });
      else redeem(stage, person, codes.pop() ?? "");
      if (point.act === "redeem") redeemed += 1;
      // A message that was sent but not yet noted down is beyond anybody's reach.
      if (point.name === "placeholder saved" && point.phase === "before") stage.gone.add(person);
      const isReached = await strike(stage, program, reached);
      if (!isReached) problems.push(`"${point.name}" was never reached`);
      tap.disarm();
      program = await start();
      await stage.settle(SETTLE_MS);
      await settleInbox(stage);
    }
    const { rows } = await stage.pool.query<{ lots: number; cards: number }>(
      `SELECT (SELECT count(*) FROM lot WHERE cause LIKE 'card:%')::int AS lots,
         (SELECT count(*) FROM card WHERE state = 'redeemed')::int AS cards`,
    );
    const [{ lots = 0, cards = 0 } = {}] = rows;
    if (lots !== redeemed || cards !== redeemed) {
      problems.push(`I2: ${redeemed} cards were redeemed, ${lots} credited, ${cards} used up`);
    }
    problems.push(...(await checkInvariants(stage)));
    const count = new Set(points.map(({ name, phase }) => `${name} ${phase}`)).size;
    return {
      rounds: points.length,
      seen: `${count} points × ${TIMES[context.dose]}: ${stage.questions.length} answers and ${redeemed} cards, each charged or credited once`,
      problems,
    };
  },
};

function pointsOf({ dose, random }: FaultContext): Point[] {
  const of = (statements: Readonly<Record<string, RegExp>>, act: Point["act"]): Point[] =>
    Object.entries(statements)
      .filter(([name]) => dose === "long" || SHORT.has(name))
      .flatMap(([name, statement]) => [
        { name, statement, act, phase: "before" as const },
        { name, statement, act, phase: "after" as const },
      ]);
  const points = [...of(QUESTION_STATEMENTS, "ask"), ...of(REDEEM_STATEMENTS, "redeem")];
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

function redeem(stage: Stage, person: number, code: string): void {
  // Its answer is a message more than questions have.
  stage.gone.add(person);
  stage.telegram.user(person).writes(`/redeem ${code}`);
}

async function settleInbox(stage: Stage): Promise<void> {
  const isEmpty = async () => {
    const { rows } = await stage.pool.query("SELECT 1 FROM inbound WHERE handled_at IS NULL");
    return rows.length === 0 && stage.telegram.state.queue.pending.length === 0;
  };
  await waitFor("every message is handled", isEmpty, SETTLE_MS, 50);
}

async function printCards(
  stage: Stage,
  { machine }: FaultContext,
  count: number,
): Promise<string[]> {
  const secretKey = await readSecretKey(SECRET_KEY, machine.folder);
  const order = {
    name: "POINTS",
    count,
    unit: "credit" as const,
    amount: 1_000_000n,
    validDays: 30,
    redeemUntil: null,
    renewal: null,
    modelScope: null,
    perAccountMax: null,
    createdBy: "chaos",
  };
  const pepper = createCardPepper(1, secretKey.derive("cards"));
  const { fileText } = await createBatch(new PgCardStore(stage.pool), pepper, order, new Date());
  return fileText.split("\n").filter((line) => line !== "");
}
