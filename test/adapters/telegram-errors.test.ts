import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TelegramApi } from "../../src/adapters/telegram/telegram-api.ts";
import { OutsideError } from "../../src/core/errors.ts";
import { ConnectedTelegram, outgoing } from "../fakes/telegram/connected-telegram.ts";

let telegram: ConnectedTelegram;
let person = 2_000;

beforeAll(async () => {
  telegram = await ConnectedTelegram.start();
});
afterAll(async () => {
  await telegram[Symbol.asyncDispose]();
});
beforeEach(() => {
  person += 1;
  telegram.server.user(person).writes("/start");
  telegram.core.reachable.length = 0;
  telegram.core.moves.length = 0;
});

async function failureOf(action: Promise<unknown>): Promise<OutsideError> {
  const error = await action.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof OutsideError)) throw error;
  return error;
}

const send = (chat: number, text = "secret text") =>
  telegram.adapter.send(telegram.address(chat), outgoing(text));

describe("a refusal of Telegram", () => {
  it("is rate_limited with the time to wait, and is not tried again by the adapter", async () => {
    const description = "Too Many Requests: retry after 7";
    telegram.server.calls.length = 0;
    telegram.server.fail("sendMessage", { code: 429, description, retryAfter: 7 });
    const error = await failureOf(send(person));
    expect(error).toMatchObject({ kind: "rate_limited", retryAfterMs: 7_000, retryable: true });
    expect(telegram.server.callsOf("sendMessage")).toHaveLength(1);
  });

  it("does not make a rich message fall back to another form after a 429", async () => {
    const description = "Too Many Requests: retry after 3";
    telegram.server.calls.length = 0;
    telegram.server.fail("sendRichMessage", { code: 429, description, retryAfter: 3 });
    const message = outgoing("**a**", { format: "markdown" });
    await failureOf(telegram.adapter.send(telegram.address(person), message));
    expect(telegram.server.callsOf("sendMessage")).toEqual([]);
  });

  it("is chat_gone when the person blocked the bot, and the core learns of it", async () => {
    telegram.server.user(person).blocks();
    await telegram.server.waitFor(() => telegram.core.reachable.length === 1);
    expect(await failureOf(send(person))).toMatchObject({ kind: "chat_gone", retryable: false });
    const userId = String(person);
    await telegram.server.waitFor(() => telegram.core.reachable.length === 2);
    expect(telegram.core.reachable[1]).toEqual({ userId, isReachable: false });
    telegram.server.user(person).unblocks();
    await telegram.server.waitFor(() => telegram.core.reachable.length === 3);
    expect(telegram.core.reachable[2]).toEqual({ userId, isReachable: true });
  });

  it("is chat_gone when the account was deleted, and the core learns of it", async () => {
    telegram.server.user(person).deletesAccount();
    expect(await failureOf(send(person))).toMatchObject({ kind: "chat_gone" });
    expect(telegram.core.reachable).toMatchObject([{ isReachable: false }]);
  });

  it("is chat_gone for a person who never started the bot, who may do so later", async () => {
    telegram.server.user(2_900);
    expect(await failureOf(send(2_900))).toMatchObject({ kind: "chat_gone" });
    expect(telegram.core.reachable).toEqual([]);
  });

  it("is chat_gone for an unknown chat and for a group that threw the bot out", async () => {
    expect(await failureOf(send(-5))).toMatchObject({ kind: "chat_gone" });
    telegram.server.group(-100_300_1, { botStatus: "kicked" });
    expect(await failureOf(send(-100_300_1))).toMatchObject({ kind: "chat_gone" });
    expect(telegram.core.reachable).toEqual([]);
  });

  it("is message_gone when the message to edit was deleted or is not ours", async () => {
    const sent = await send(person);
    await telegram.adapter.deleteMessage(sent.address, sent.id);
    const edited = telegram.adapter.edit(sent, outgoing("more"));
    expect(await failureOf(edited)).toMatchObject({ kind: "message_gone" });
    const theirs = { address: sent.address, id: "1" };
    const stolen = telegram.adapter.edit(theirs, outgoing("more"));
    expect(await failureOf(stolen)).toMatchObject({ kind: "message_gone" });
  });

  it("is rejected when Telegram does not like an empty text", async () => {
    expect(await failureOf(send(person, ""))).toMatchObject({ kind: "rejected" });
    expect(await failureOf(send(person, "  "))).toMatchObject({ kind: "rejected" });
  });

  it("is overloaded when Telegram restarts", async () => {
    const description = "Internal Server Error: restart";
    telegram.server.fail("sendMessage", { code: 500, description });
    expect(await failureOf(send(person))).toMatchObject({ kind: "overloaded", retryable: true });
  });
});

describe("no answer", () => {
  it("is unreachable when the connection breaks", async () => {
    telegram.server.fail("sendMessage", { cut: "before" });
    expect(await failureOf(send(person))).toMatchObject({ kind: "unreachable", retryable: true });
  });

  it("is a timeout when Telegram takes too long", async () => {
    await using silent = await ConnectedTelegram.create();
    const api = new TelegramApi(silent.server.token, silent.server.url);
    const slow = api.call((raw, signal) => raw.getUpdates({ timeout: 20 }, signal), {
      timeoutMs: 50,
    });
    expect(await failureOf(slow)).toMatchObject({ kind: "timeout" });
  });
});

describe("a wrong token", () => {
  it.each(["7000001:AAWrongTokenWrongTokenWrongTokenWrong0", "nonsense"])(
    "is unauthorized: %s",
    async (token) => {
      await using other = await ConnectedTelegram.create({ server: telegram.server, token });
      const sent = other.adapter.send(telegram.address(person), outgoing("x"));
      expect(await failureOf(sent)).toMatchObject({ kind: "unauthorized" });
    },
  );
});

describe("what errors and logs tell", () => {
  it("is neither the token nor what was written", async () => {
    const { server } = telegram;
    const token = "7000001:AAAnotherTokenThatIsWrongForThisServer";
    const errors: unknown[] = [];
    for (const apiRoot of ["http://127.0.0.1:1", server.url, `${server.url}/nothing-here`]) {
      await using other = await ConnectedTelegram.create({ server, apiRoot, token });
      await other.adapter.start(other.core);
      const sent = other.adapter.send(telegram.address(person), outgoing("PRIVATE"));
      errors.push(await failureOf(sent), other.log.lines, other.adapter.problem);
    }
    server.fail("sendMessage", { cut: "before" });
    errors.push(await failureOf(send(person, "PRIVATE")));
    const refused = { code: 400, description: "Bad Request: odd" };
    server.fail("sendDocument", refused);
    const file = { name: "cards.txt", content: "PRIVATE", caption: "PRIVATE" };
    errors.push(await failureOf(telegram.adapter.sendFile(telegram.address(person), file)));
    errors.push(telegram.log.lines);
    const told = inspect(errors, { depth: 10, showHidden: true });
    expect(told).toContain("ECONNREFUSED");
    expect(told).not.toContain("AAAnotherToken");
    expect(told).not.toContain(server.token.split(":")[1]);
    expect(told).not.toContain("PRIVATE");
  });
});

describe("a group that became a supergroup", () => {
  it("is followed to its new id, at once the next time", async () => {
    telegram.server.group(-310_1, { type: "group" });
    await send(-310_1, "before");
    const newId = telegram.server.upgradeGroup(-310_1);
    telegram.server.calls.length = 0;
    const sent = await send(-310_1, "after");
    expect(sent.address).toEqual(telegram.address(newId));
    expect(telegram.core.moves[0]).toEqual({ from: "-3101", to: String(newId) });
    await send(-310_1, "again");
    const texts = telegram.server.messages(newId).map(({ text }) => text);
    expect(texts.filter((text) => text !== "")).toEqual(["after", "again"]);
    expect(telegram.server.callsOf("sendMessage").map(({ code }) => code)).toEqual([400, 200, 200]);
  });

  it("has lost the messages that were sent before, whose numbers now mean others", async () => {
    telegram.server.group(-310_2, { type: "group" });
    const sent = await send(-310_2, "old 1");
    const newId = telegram.server.upgradeGroup(-310_2);
    const reply = outgoing("new 2", { replyTo: sent.id });
    await telegram.adapter.send(sent.address, reply);
    const edited = telegram.adapter.edit(sent, outgoing("more"));
    expect(await failureOf(edited)).toMatchObject({ kind: "message_gone" });
    expect(await telegram.adapter.deleteMessage(sent.address, sent.id)).toBe(false);
    expect(telegram.server.messages(newId)).toMatchObject([
      { id: 1, isBot: false },
      { id: 2, text: "new 2", replyTo: null },
    ]);
    const moves = telegram.core.moves.filter(({ from }) => from === "-3102");
    expect(moves.length).toBeGreaterThan(0);
  });
});
