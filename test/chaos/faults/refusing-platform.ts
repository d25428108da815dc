import { setTimeout as sleep } from "node:timers/promises";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { keepAsking } from "../load.ts";
import type { Question } from "../question.ts";
import type { Random } from "../random.ts";
import { Stage } from "../stage.ts";
import { percentile, seconds, waitFor } from "../wait-for.ts";

const DOSES = {
  short: { answers: 40, retryAfterMax: 3 },
  long: { answers: 2_000, retryAfterMax: 30 },
} as const;
const PEOPLE = 10;
const OTHERS_LATER_MS_MAX = 1_000;
const TROUBLES = ["wait", "not modified", "deleted", "blocked"] as const;
/** Trouble has to come before its end: who deletes a finished answer gets no other. */
const LONG = { tokens: 120, tokenMs: 30 } as const;
/** A call that was on its way when the chat was told to wait could not know of it. */
const KNOWS_AFTER_MS = 100;

/** Telegram says to wait, that nothing changed, that a message or a person is gone: others do not notice. */
export const refusingPlatform: Fault = {
  id: "F17",
  title: "platform 429, deleted, blocked",
  onBothQueues: false,
  async run(context) {
    const { random, dose } = context;
    const { answers, retryAfterMax } = DOSES[dose];
    await using stage = await Stage.open(context);
    await stage.start("all");
    const calm = await stage.addPeople(PEOPLE);
    const idle = await lags(stage, calm, answers / 4);
    const trouble = new Trouble(stage, random, retryAfterMax);
    const troubling = trouble.make();
    const busy = await lags(stage, calm, (answers * 3) / 4);
    trouble.isOver = true;
    await troubling;
    await stage.settle(retryAfterMax * 2_000 + 60_000);
    const [idleMs, busyMs] = [percentile(idle, 0.95), percentile(busy, 0.95)];
    const early = trouble.earlyCalls();
    return {
      rounds: stage.questions.length,
      seen: `${trouble.count} troubled answers, ${trouble.waits.size} × 429 up to ${retryAfterMax} s; the others' end shows after p95 ${seconds(busyMs)} (without trouble ${seconds(idleMs)})`,
      problems: [
        ...above("later than without trouble", busyMs - idleMs, OTHERS_LATER_MS_MAX, "ms"),
        ...(early === 0 ? [] : [`I9: ${early} calls before the time was over`]),
        ...(await checkInvariants(stage)),
      ],
    };
  },
};

/** How long after the upstream's last word each answer was whole in its chat. */
async function lags(stage: Stage, people: readonly number[], total: number): Promise<number[]> {
  const before = stage.questions.length;
  await keepAsking(stage, { people, total, play: () => ({ tokens: 40, tokenMs: 20 }) });
  const asked = stage.questions.slice(before).filter(({ person }) => people.includes(person));
  const isDone = async () => {
    await stage.countAnswered();
    return asked.every(({ isAnswered }) => isAnswered);
  };
  await waitFor("these answers are delivered", isDone, 120_000, 100);
  const replies = await stage.readReplies();
  return asked.flatMap(({ person, messageId }) => {
    const reply = replies.get(`${person}:${messageId}`);
    if (reply?.delivered_at == null || reply.answered_at === null) return [];
    return [reply.delivered_at.getTime() - reply.answered_at.getTime()];
  });
}

/** People whose chats refuse, each in another way. */
class Trouble {
  /** The seconds that a chat was told to wait. */
  readonly waits = new Map<number, number>();
  count = 0;
  isOver = false;
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #retryAfterMax: number;

  constructor(stage: Stage, random: Random, retryAfterMax: number) {
    this.#stage = stage;
    this.#random = random;
    this.#retryAfterMax = retryAfterMax;
  }

  async make(): Promise<void> {
    do {
      await Promise.all(TROUBLES.map((kind) => this.#trouble(kind)));
    } while (!this.isOver);
  }

  /** Calls to a chat that had been told to wait. */
  earlyCalls(): number {
    const { calls } = this.#stage.telegram;
    const told = calls.filter(({ code }) => code === 429);
    return told.flatMap(({ parameters: { chat_id: chat }, at }) => {
      const untilMs = at + (this.waits.get(Number(chat)) ?? 0) * 1000;
      return calls.filter((call) => {
        return (
          call.parameters.chat_id === chat && call.at > at + KNOWS_AFTER_MS && call.at < untilMs
        );
      });
    }).length;
  }

  async #trouble(kind: (typeof TROUBLES)[number]): Promise<void> {
    const { telegram } = this.#stage;
    const [person = 0] = await this.#stage.addPeople(1);
    const question = this.#stage.ask(person, LONG, { isWhole: kind !== "blocked" });
    await waitFor("the placeholder shows", () => this.#stage.botMessages(person)[0], 30_000);
    await sleep(this.#random.between(100, 800));
    const [call] = this.#stage.upstream.callsOf(question.text);
    // Beside many others its message may show only when the answer is whole: too late for trouble.
    if (call?.end !== "running") return;
    this.count += 1;
    if (kind === "blocked") {
      this.#stage.gone.add(person);
      telegram.user(person).blocks();
    } else if (kind === "deleted") {
      const message = telegram.state.world.chat(person).messages.at(-1);
      if (message !== undefined) message.isDeleted = true;
    } else if (kind === "wait") {
      const retryAfter = this.#random.between(1, this.#retryAfterMax);
      telegram.failIn(person, { code: 429, description: "Too Many Requests", retryAfter });
      this.waits.set(person, retryAfter);
    } else {
      // Carried out, but we do not hear of it: said again, it changes nothing.
      telegram.failIn(person, { cut: "afterwards" });
    }
    await this.#answered(question);
  }

  async #answered(question: Question): Promise<void> {
    const isDone = async () => {
      await this.#stage.countAnswered();
      return question.isAnswered;
    };
    await waitFor("a troubled answer ends", isDone, this.#retryAfterMax * 2_000 + 60_000, 100);
  }
}
