import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TelegramAdapter } from "../../src/adapters/telegram/telegram-adapter.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";
import { ConnectedTelegram } from "../fakes/telegram/connected-telegram.ts";

const secretToken = "s3cret_Token-0123456789";
const ANN = 42;

let route: TelegramAdapter["webhookRoute"] = null;
let answers: number[];
const http = createServer((request, response) => void answer(request, response));

/** Stands for our HTTP server. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = new Headers(request.headers as Record<string, string>);
  const url = `http://127.0.0.1${request.url}`;
  const body = Buffer.concat(chunks);
  const result = await route
    ?.handle(new Request(url, { method: "POST", headers, body }))
    .catch(() => new Response("", { status: 500 }));
  answers.push(result?.status ?? 404);
  response.writeHead(result?.status ?? 404).end(await result?.text());
}

const url = () => `http://127.0.0.1:${(http.address() as AddressInfo).port}/webhooks/telegram`;

beforeAll(async () => {
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
});
afterAll(async () => {
  http.close();
  http.closeAllConnections();
  await once(http, "close");
});
beforeEach(() => {
  answers = [];
});
afterEach(() => {
  route = null;
});

async function connect(inbox = new MemoryInbox()): Promise<ConnectedTelegram> {
  const telegram = await ConnectedTelegram.create({
    mode: "webhook",
    webhook: { url: url(), secretToken },
    inbox,
    serverOptions: { webhookRetryMs: 20 },
  });
  route = telegram.adapter.webhookRoute;
  return telegram;
}

function post(body: string, headers: Record<string, string> = {}): Request {
  return new Request("http://127.0.0.1/webhooks/telegram", {
    method: "POST",
    headers: { "x-telegram-bot-api-secret-token": secretToken, ...headers },
    body,
  });
}

describe("the webhook, posted to by Telegram", () => {
  it("brings what people write to the core", async () => {
    await using telegram = await connect();
    await telegram.adapter.start(telegram.core);
    expect(telegram.adapter.problem).toBeNull();
    expect(route?.path).toBe("/webhooks/telegram");
    telegram.server.user(ANN).writes("hello");
    await telegram.server.waitFor(() => telegram.core.texts.includes("hello"));
    await telegram.server.waitFor(({ state }) => state.queue.pending.length === 0);
    expect(telegram.server.callsOf("setWebhook")[0]?.parameters).toEqual({
      url: url(),
      secret_token: secretToken,
      allowed_updates: ["message", "edited_message", "callback_query", "my_chat_member"],
      max_connections: 40,
      drop_pending_updates: false,
    });
    expect(telegram.server.callsOf("getUpdates")).toEqual([]);
  });

  it("loses nothing while updates cannot be saved", async () => {
    const inbox = new MemoryInbox();
    const save = inbox.save.bind(inbox);
    inbox.save = () => Promise.reject(new Error("database is away"));
    await using telegram = await connect(inbox);
    await telegram.adapter.start(telegram.core);
    telegram.server.user(ANN).writes("hello");
    await telegram.server.waitFor(() => answers.length >= 2);
    expect(telegram.core.texts).toEqual([]);
    inbox.save = save;
    await telegram.server.waitFor(() => telegram.core.texts.includes("hello"));
    expect(answers.at(0)).toBe(500);
    expect(answers.at(-1)).toBe(200);
  });

  it("handles once what Telegram posts twice", async () => {
    await using telegram = await connect();
    await telegram.adapter.start(telegram.core);
    const { server, core } = telegram;
    server.user(ANN).writes("once");
    await server.waitFor(() => core.texts.length === 1);
    const update = { update_id: 100_000, message: { message_id: 1, text: "once" } };
    expect((await route?.handle(post(JSON.stringify(update))))?.status).toBe(200);
    server.user(ANN).writes("next");
    await server.waitFor(() => core.texts.includes("next"));
    expect(core.texts).toEqual(["once", "next"]);
  });

  it("leaves updates to Telegram once it has stopped listening", async () => {
    await using telegram = await connect();
    await telegram.adapter.start(telegram.core);
    await telegram.adapter.stopListening();
    const response = await route?.handle(post('{"update_id":1}'));
    expect(response?.status).toBe(503);
    expect(response?.headers.get("retry-after")).toBe("1");
    expect(telegram.inbox.events).toEqual([]);
  });
});

describe("the webhook, posted to by anyone", () => {
  it("answers before it is connected that it is not ready", async () => {
    await using _telegram = await connect();
    expect((await route?.handle(post('{"update_id":1}')))?.status).toBe(503);
  });

  it.each([
    ["no secret", { "x-telegram-bot-api-secret-token": "" }],
    ["a wrong secret", { "x-telegram-bot-api-secret-token": "s3cret_Token-0123456788" }],
    ["a longer secret", { "x-telegram-bot-api-secret-token": `${secretToken}x` }],
  ])("refuses %s before it looks at the body", async (_, headers) => {
    await using telegram = await connect();
    await telegram.adapter.start(telegram.core);
    const response = await route?.handle(post("x".repeat(2_000_000), headers));
    expect(response?.status).toBe(401);
    expect(telegram.inbox.events).toEqual([]);
  });

  it.each(["", "no json", "[]", '"x"', '{"message":{}}', '{"update_id":"1"}', '{"update_id":1.5}'])(
    "refuses a body that is no update: %s",
    async (body) => {
      await using telegram = await connect();
      await telegram.adapter.start(telegram.core);
      expect((await route?.handle(post(body)))?.status).toBe(400);
    },
  );

  it("takes a body of a million bytes and refuses one byte more, stated or not", async () => {
    await using telegram = await connect();
    await telegram.adapter.start(telegram.core);
    const body = (length: number) => '{"update_id":1}'.padEnd(length, " ");
    expect((await route?.handle(post(body(1_000_000))))?.status).toBe(200);
    expect((await route?.handle(post(body(1_000_001))))?.status).toBe(413);
    const stated = { "content-length": "1000001" };
    expect((await route?.handle(post("{}", stated)))?.status).toBe(413);
  });

  it("takes POST only", async () => {
    await using _telegram = await connect();
    const request = new Request("http://127.0.0.1/webhooks/telegram");
    expect((await route?.handle(request))?.status).toBe(405);
  });

  it("does not exist when the bot polls", async () => {
    await using telegram = await ConnectedTelegram.create();
    expect(telegram.adapter.webhookRoute).toBeNull();
  });

  it("cannot be left out in webhook mode", async () => {
    await expect(ConnectedTelegram.create({ mode: "webhook" })).rejects.toThrow("webhook");
  });
});
