import { InboxRunner } from "../../../src/adapters/shared/inbox-runner.ts";
import { PgInboxStore } from "../../../src/store/pg-inbox-store.ts";
import { systemClock } from "../../../src/system-clock.ts";
import { RecordedLog } from "../../fakes/recorded-log.ts";
import type { Update } from "../../fakes/telegram/update-queue.ts";
import type { Fault, FaultContext } from "../fault.ts";
import { freePort } from "../free-port.ts";
import { checkInvariants } from "../invariants.ts";
import type { Random } from "../random.ts";
import { Stage } from "../stage.ts";
import { seconds, waitFor } from "../wait-for.ts";

/** Telegram lets a bot send thirty messages a second, so the whole program gets fewer than its inbox. */
const DOSES = {
  short: { inbox: 2_000, program: 60 },
  long: { inbox: 10_000, program: 1_200 },
} as const;
const TWICE_SHARE = 0.2;
const WINDOW = 50;
const CHATS = 40;

/** Updates that come twice and out of order: one answer each, in the order a chat's updates first came. */
export const shuffledUpdates: Fault = {
  id: "F16",
  title: "updates twice and shuffled",
  onBothQueues: false,
  async run(context) {
    const { inbox, program } = DOSES[context.dose];
    await using stage = await Stage.open({ ...context, chat: { openRepliesMax: 1_000 } });
    const inboxProblems = await throughInbox(stage, context, inbox);
    const startedAtMs = performance.now();
    const programProblems = await throughProgram(stage, context, program);
    return {
      rounds: inbox + program,
      seen: `${inbox} events through the inbox, ${program} questions through the program in ${seconds(performance.now() - startedAtMs)}, ${TWICE_SHARE * 100} % of both twice, shuffled in ${WINDOW}`,
      problems: [...inboxProblems, ...programProblems],
    };
  },
};

async function throughInbox(
  { pool }: Stage,
  { random }: FaultContext,
  count: number,
): Promise<string[]> {
  const handled: Event[] = [];
  const store = new PgInboxStore(pool);
  const runner = new InboxRunner({
    platform: "telegram",
    bot: "inbox",
    store,
    clock: systemClock,
    log: new RecordedLog(),
    route: (payload) => ({
      lane: `${(payload as Event).chat}`,
      person: "",
      overtakes: "nothing",
      batch: null,
    }),
    handle: async ([payload]) => void handled.push(payload as Event),
  });
  const events = Array.from({ length: count }, (_, id) => ({ id, chat: random.below(CHATS) }));
  const arriving = disturb(events, random);
  for (const event of arriving) {
    runner.accept(
      await store.save("telegram", "inbox", [{ eventId: `${event.id}`, payload: event }]),
    );
  }
  await waitFor("all events are handled", () => handled.length >= count, 60_000);
  await runner.drain();
  return [
    ...(handled.length === count
      ? []
      : [`I5: ${count} events were handled ${handled.length} times`]),
    ...orderProblems(firstOf(arriving), handled),
  ];
}

async function throughProgram(
  stage: Stage,
  { random }: FaultContext,
  count: number,
): Promise<string[]> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const more = { TELEGRAM_MODE: "webhook", PUBLIC_URL: url, PORT: String(port) };
  await stage.start("all", more);
  const { telegram } = stage;
  const [call] = telegram.callsOf("setWebhook");
  // From here on the updates are ours to bring.
  telegram.state.webhook.delete();
  const people = await stage.addPeople(CHATS);
  for (let index = 0; index < count; index += 1) {
    stage.ask(random.pick(people), { tokens: 3, tokenMs: 2 });
  }
  const updates = telegram.state.queue.pending.map((update) => eventOf(update));
  const arriving = disturb(updates, random);
  for (const { update } of arriving) {
    const response = await fetch(`${url}/webhooks/telegram`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-telegram-bot-api-secret-token": String(call?.parameters.secret_token),
      },
      body: JSON.stringify(update),
    });
    if (response.status !== 200) return [`an update was answered with ${response.status}`];
  }
  await stage.settle(300_000);
  const { rows } = await stage.pool.query<{ channel: string; message_id: string }>(
    "SELECT channel, message_id FROM reply ORDER BY question_turn_id",
  );
  const taken = rows.map((row) => ({ id: Number(row.message_id), chat: Number(row.channel) }));
  const sent = firstOf(arriving).map(({ message, chat }) => ({ id: message, chat }));
  return [...orderProblems(sent, taken), ...(await checkInvariants(stage))];
}

interface Event {
  readonly id: number;
  readonly chat: number;
}

function eventOf(update: Update) {
  const message = update.message as { message_id: number; chat: { id: number } };
  return { id: update.update_id, chat: message.chat.id, message: message.message_id, update };
}

/** A fifth comes twice, and within each fifty the order is chance. */
function disturb<Item>(items: readonly Item[], random: Random): Item[] {
  const twice = items.flatMap((item) => (random.next() < TWICE_SHARE ? [item, item] : [item]));
  const windows = Array.from({ length: Math.ceil(twice.length / WINDOW) }, (_, index) =>
    random.shuffle(twice.slice(index * WINDOW, (index + 1) * WINDOW)),
  );
  return windows.flat();
}

/** Each event once, in the order of when it first came. */
function firstOf<Item extends Event>(events: readonly Item[]): Item[] {
  const seen = new Set<number>();
  return events.filter(({ id }) => {
    const isFirst = !seen.has(id);
    seen.add(id);
    return isFirst;
  });
}

function orderProblems(sent: readonly Event[], handled: readonly Event[]): string[] {
  const inOrder = (events: readonly Event[]) => {
    const chats = Map.groupBy(events, ({ chat }) => chat);
    return new Map([...chats].map(([chat, own]) => [chat, own.map(({ id }) => id).join(" ")]));
  };
  const [wanted, found] = [inOrder(sent), inOrder(handled)];
  const wrong = [...wanted].filter(([chat, order]) => found.get(chat) !== order);
  return wrong.length === 0 ? [] : [`I5: ${wrong.length} chats were handled in another order`];
}
