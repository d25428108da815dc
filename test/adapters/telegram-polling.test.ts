import { describe, expect, it } from "vitest";
import { MemoryInbox } from "../fakes/memory-inbox.ts";
import { ConnectedTelegram, outgoing } from "../fakes/telegram/connected-telegram.ts";
import { fixture } from "../fakes/telegram/fixture.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";

const ANN = 42;

describe("polling", () => {
  it("brings what people write to the core, and asks for the kinds it handles", async () => {
    await using telegram = await ConnectedTelegram.start();
    const ann = telegram.server.user(ANN, { username: "Ann", languageCode: "zh-hans" });
    ann.writes("你好");
    await telegram.server.waitFor(() => telegram.core.messages.length === 1);
    expect(telegram.core.messages).toMatchObject([
      {
        text: "你好",
        address: telegram.address(ANN),
        sender: { platformUserId: "42", username: "ann", locale: "zh-hans" },
      },
    ]);
    expect(telegram.server.callsOf("getUpdates")[0]?.parameters).toMatchObject({
      timeout: 30,
      allowed_updates: ["message", "edited_message", "callback_query", "my_chat_member"],
    });
    expect(telegram.adapter.problem).toBeNull();
  });

  it("takes a webhook away that was set before, and keeps what waits", async () => {
    const server = await TelegramServer.start();
    server.state.webhook.set({ url: "https://old.example.com/hook" });
    server.user(ANN).writes("waiting");
    {
      await using telegram = await ConnectedTelegram.start({ server });
      await server.waitFor(() => telegram.core.texts.includes("waiting"));
      expect(server.state.webhook.isSet).toBe(false);
    }
    await server.stop();
  });

  it("confirms updates only after they were saved", async () => {
    const inbox = new MemoryInbox();
    const save = inbox.save.bind(inbox);
    const { promise: isSaved, resolve: letSave } = Promise.withResolvers<void>();
    inbox.save = async (...given) => {
      await isSaved;
      return await save(...given);
    };
    await using telegram = await ConnectedTelegram.start({ inbox });
    telegram.server.user(ANN).writes("hello");
    await telegram.server.waitFor(({ calls }) => calls.at(-1)?.method === "getUpdates");
    expect(telegram.server.state.queue.pending).toHaveLength(1);
    letSave();
    await telegram.server.waitFor(({ state }) => state.queue.pending.length === 0);
    await telegram.server.waitFor(() => telegram.core.texts.includes("hello"));
  });

  it("fetches again what could not be saved, and says so meanwhile", async () => {
    const inbox = new MemoryInbox();
    const save = inbox.save.bind(inbox);
    inbox.save = () => Promise.reject(new Error("database is away"));
    await using telegram = await ConnectedTelegram.start({ inbox });
    telegram.server.user(ANN).writes("hello");
    const problem = await telegram.server.waitFor(() => telegram.adapter.problem);
    expect(problem).toBe("Telegram: updates cannot be saved to the database");
    expect(telegram.core.texts).toEqual([]);
    inbox.save = save;
    await telegram.server.waitFor(() => telegram.core.texts.includes("hello"));
    expect(telegram.adapter.problem).toBeNull();
  });

  it("handles once what arrives again after a restart", async () => {
    await using telegram = await ConnectedTelegram.create();
    const { server, inbox, core } = telegram;
    server.user(ANN).writes("once");
    // The program before this one handled it, and was killed before it could confirm it.
    for (const payload of server.state.queue.pending) {
      const event = { eventId: String(payload.update_id), payload };
      const [saved] = await inbox.save("telegram", String(server.botId), [event]);
      await inbox.markHandled(saved?.id ?? 0n);
    }
    await telegram.adapter.start(core);
    server.user(ANN).writes("twice");
    await server.waitFor(() => core.texts.includes("twice"));
    expect(core.texts).toEqual(["twice"]);
  });

  it("takes up at its start what was saved and not handled", async () => {
    const inbox = new MemoryInbox();
    const payload = fixture("private-text");
    await inbox.save("telegram", "7000001", [{ eventId: "873214001", payload }]);
    await using telegram = await ConnectedTelegram.start({ inbox });
    await telegram.server.waitFor(() => telegram.core.texts.includes("什么是预付卡？"));
  });

  it("drops an update it does not understand, without logging what is in it", async () => {
    const inbox = new MemoryInbox();
    const payload = { update_id: 1, message: { text: "PRIVATE", chat: "odd" } };
    await inbox.save("telegram", "7000001", [{ eventId: "1", payload }]);
    await using telegram = await ConnectedTelegram.start({ inbox });
    await telegram.server.waitFor(() => inbox.events[0]?.isHandled);
    const { lines } = telegram.log;
    expect(lines.map(({ sentence }) => sentence)).toContain("update not understood");
    expect(JSON.stringify(lines)).not.toContain("PRIVATE");
  });

  it("stops listening at once, and can still send", async () => {
    await using telegram = await ConnectedTelegram.start();
    telegram.server.user(ANN).writes("hello");
    await telegram.server.waitFor(() => telegram.core.texts.length === 1);
    const stoppedAt = Date.now();
    await telegram.adapter.stopListening();
    expect(Date.now() - stoppedAt).toBeLessThan(5_000);
    telegram.server.user(ANN).writes("too late");
    await telegram.adapter.send(telegram.address(ANN), outgoing("bye"));
    expect(telegram.server.messages(ANN).at(-1)?.text).toBe("bye");
    expect(telegram.core.texts).toEqual(["hello"]);
  });
});

describe("polling that fails", () => {
  it("says that another program polls for the bot, and goes on when that ends", async () => {
    await using telegram = await ConnectedTelegram.start();
    const { server, adapter } = telegram;
    await server.waitFor(() => server.callsOf("getUpdates").length > 0);
    const rival = await fetch(`${server.url}/bot${server.token}/getUpdates?timeout=20`);
    expect(rival.status).toBe(409);
    const problem = await server.waitFor(() => adapter.problem);
    expect(problem).toBe("Telegram: another program is polling for this bot");
    server.user(ANN).writes("still there?");
    await server.waitFor(() => telegram.core.texts.includes("still there?"));
    expect(adapter.problem).toBeNull();
  });

  it("says that a webhook was set by another program, and goes on when it is gone", async () => {
    await using telegram = await ConnectedTelegram.start();
    const { server, adapter } = telegram;
    await server.waitFor(() => server.callsOf("getUpdates").length > 0);
    server.state.webhook.set({ url: "https://other.example.com/hook" });
    server.state.queue.interrupt();
    await server.waitFor(() => adapter.problem?.includes("set a webhook"));
    server.state.webhook.delete();
    server.user(ANN).writes("back again");
    await server.waitFor(() => telegram.core.texts.includes("back again"));
    expect(adapter.problem).toBeNull();
  });

  it("says nothing of a single failure, and something of the second", async () => {
    await using telegram = await ConnectedTelegram.start();
    const { server, adapter } = telegram;
    const problems: (string | null)[] = [];
    const restart = { code: 500, description: "Internal Server Error: restart" };
    server.fail("getUpdates", restart, 1);
    server.user(ANN).writes("one");
    await server.waitFor(() => telegram.core.texts.includes("one"));
    problems.push(adapter.problem);
    server.fail("getUpdates", restart, 400);
    server.user(ANN).writes("two");
    problems.push(await server.waitFor(() => adapter.problem));
    expect(problems).toEqual([null, `Telegram refuses calls: ${restart.description}`]);
  });

  it("starts with a problem when the token is wrong, and goes on trying", async () => {
    const server = await TelegramServer.start();
    server.fail("getMe", { code: 401, description: "Unauthorized" }, 3);
    {
      await using telegram = await ConnectedTelegram.create({ server });
      expect(telegram.adapter.problem).toBe("Telegram is not connected yet");
      await telegram.adapter.start(telegram.core);
      expect(telegram.adapter.problem).toBe(
        "Telegram refuses the bot token: check TELEGRAM_BOT_TOKEN",
      );
      server.user(ANN).writes("hello");
      await server.waitFor(() => telegram.core.texts.includes("hello"));
      expect(telegram.adapter.problem).toBeNull();
    }
    await server.stop();
  });

  it("starts with a problem when Telegram cannot be reached, and can be stopped", async () => {
    const telegram = await ConnectedTelegram.create({ apiRoot: "http://127.0.0.1:1" });
    await telegram.adapter.start(telegram.core);
    expect(telegram.adapter.problem).toBe("Telegram cannot be reached");
    await telegram[Symbol.asyncDispose]();
  });
});
