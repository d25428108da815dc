import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { TelegramServer, type TelegramServerOptions } from "../fakes/telegram-server.ts";

interface Answer {
  readonly ok: boolean;
  readonly description?: string;
  readonly parameters?: { readonly retry_after?: number };
  readonly result: { readonly update_id: number }[];
}

async function withServer(
  options: TelegramServerOptions,
  test: (
    server: TelegramServer,
    call: (method: string, body?: object) => Promise<Answer>,
  ) => Promise<void>,
): Promise<void> {
  const server = await TelegramServer.start(options);
  const call = async (method: string, body: object = {}): Promise<Answer> => {
    const response = await fetch(`${server.url}/bot${server.token}/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Answer;
  };
  try {
    await test(server, call);
  } finally {
    await server.stop();
  }
}

const ids = ({ result }: Answer) => result.map(({ update_id }) => update_id);

describe("updates of the local Telegram", () => {
  it("come again until a higher offset confirms them", () =>
    withServer({}, async (server, call) => {
      server.user(1).writes("a");
      server.user(1).writes("b");
      const [first = 0, second] = ids(await call("getUpdates"));
      expect(ids(await call("getUpdates", { limit: 1 }))).toEqual([first]);
      expect(ids(await call("getUpdates", { offset: first + 1 }))).toEqual([second]);
      expect(ids(await call("getUpdates"))).toEqual([second]);
    }));

  it("end a long poll as soon as one is there", () =>
    withServer({}, async (server, call) => {
      const polled = call("getUpdates", { timeout: 20 });
      await server.waitFor(({ calls }) => calls.length === 1);
      server.user(1).writes("a");
      expect(ids(await polled)).toHaveLength(1);
    }));

  it("are refused to the first of two polls, and while a webhook is set", () =>
    withServer({}, async (server, call) => {
      const first = call("getUpdates", { timeout: 20 });
      await server.waitFor(({ calls }) => calls.length === 1);
      const second = call("getUpdates", { timeout: 1 });
      expect((await first).description).toMatch(/^Conflict: terminated by other getUpdates/);
      expect((await second).ok).toBe(true);
      await call("setWebhook", { url: "https://example.com/hook" });
      expect((await call("getUpdates")).description).toMatch(/webhook is active/);
      expect((await call("setWebhook", { url: "http://example.com" })).ok).toBe(false);
    }));

  it("hold only kinds that were asked for, and the list stays", () =>
    withServer({}, async (server, call) => {
      await call("getUpdates", { allowed_updates: ["callback_query"] });
      server.user(1).writes("a");
      expect(ids(await call("getUpdates"))).toEqual([]);
      await call("getUpdates", { allowed_updates: ["nonsense"] });
      server.user(1).writes("b");
      expect(ids(await call("getUpdates"))).toHaveLength(1);
    }));

  it("hold of a group only what is meant for the bot, unless privacy is off", () =>
    withServer({}, async (server, call) => {
      server.group(-100_1);
      const chat = -100_1;
      const ann = server.user(1);
      ann.writes("talk", { chat });
      ann.writes("/cmd@other_bot", { chat });
      expect(ids(await call("getUpdates"))).toEqual([]);
      ann.writes("/cmd", { chat });
      ann.writes("hi @dianka_bot", { chat });
      expect(ids(await call("getUpdates"))).toHaveLength(2);
      server.state.settings.privacy = false;
      ann.writes("talk", { chat });
      expect(ids(await call("getUpdates"))).toHaveLength(3);
    }));
});

describe("flood limits of the local Telegram", () => {
  const text = { text: "x" };

  it("allow five messages at once in a private chat, and one more a second later", async () => {
    let now = 1_000_000;
    await withServer({ now: () => now }, async (server, call) => {
      server.user(1).writes("/start");
      const send = () => call("sendMessage", { chat_id: 1, ...text });
      for (let count = 0; count < 5; count += 1) expect((await send()).ok).toBe(true);
      expect(await send()).toMatchObject({ ok: false, parameters: { retry_after: 1 } });
      now += 1_000;
      expect((await send()).ok).toBe(true);
    });
  });

  it("block for longer whoever goes on, by five seconds a call", async () => {
    const now = 1_000_000;
    await withServer({ now: () => now }, async (server, call) => {
      server.user(1).writes("/start");
      const waits: unknown[] = [];
      for (let count = 0; count < 8; count += 1) {
        const { parameters } = await call("sendMessage", { chat_id: 1, ...text });
        if (parameters !== undefined) waits.push(parameters.retry_after);
      }
      expect(waits).toEqual([1, 6, 11]);
    });
  });

  it("allow twenty calls a minute in a group", async () => {
    let now = 1_000_000;
    await withServer({ now: () => now }, async (server, call) => {
      server.group(-100_1);
      const send = () => call("sendMessage", { chat_id: -100_1, ...text });
      for (let count = 0; count < 20; count += 1) {
        expect((await send()).ok).toBe(true);
        now += 1_000;
      }
      expect(await send()).toMatchObject({ parameters: { retry_after: 40 } });
      now += 40_000;
      expect((await send()).ok).toBe(true);
    });
  });

  it("allow thirty calls a second to chats that are silent", async () => {
    let now = 1_000_000;
    await withServer({ now: () => now }, async (server, call) => {
      for (let id = 1; id <= 32; id += 1) server.user(id).writes("/start");
      now += 60_001;
      server.user(32).writes("awake");
      const send = async (id: number) => (await call("sendMessage", { chat_id: id, ...text })).ok;
      for (let id = 1; id <= 30; id += 1) expect(await send(id)).toBe(true);
      expect(await send(31)).toBe(false);
      expect(await send(32)).toBe(true);
    });
  });
});

describe("the local Telegram as a process", () => {
  it("is driven from another process", async () => {
    const main = fileURLToPath(new URL("../fakes/telegram-server.main.ts", import.meta.url));
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, PORT: "0", TELEGRAM_BOT_TOKEN: "55:abc", NODE_NO_WARNINGS: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { url, token } = JSON.parse(line.toString("utf8"));
    expect(token).toBe("55:abc");
    const drive = async (command: string, body: object) => {
      const response = await fetch(`${url}/_test/${command}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      return ((await response.json()) as { result: unknown }).result;
    };
    const bot = async (method: string, body: object) => {
      const response = await fetch(`${url}/bot${token}/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return (await response.json()) as { ok: boolean; result: { message_id: number } };
    };
    expect(await drive("writes", { user: 7, text: "hello" })).toBe(1);
    const reply_markup = { inline_keyboard: [[{ text: "Stop", callback_data: "stop:1" }]] };
    const { result } = await bot("sendMessage", { chat_id: 7, text: "…", reply_markup });
    const pressed = drive("presses", { user: 7, message: result.message_id, button: "Stop" });
    await bot("answerCallbackQuery", { callback_query_id: "1", text: "stopped" });
    expect(await pressed).toBe("stopped");
    await drive("group", { chat: -1001, details: { isForum: true, topics: [5] } });
    const inTopic = { chat_id: -1001, message_thread_id: 5, text: "here" };
    expect((await bot("sendMessage", inTopic)).ok).toBe(true);
    await drive("fail", { method: "getMe", fault: { code: 500, description: "restart" } });
    expect((await bot("getMe", {})).ok).toBe(false);
    const state = (await (await fetch(`${url}/_test/state`)).json()) as object;
    expect(state).toMatchObject({
      chats: [
        { id: 7, messages: [{ text: "hello" }, { buttons: [{ label: "Stop" }] }] },
        { id: -1001, messages: [{ text: "here", thread: 5 }] },
      ],
      pendingUpdates: 2,
    });
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});
