import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createId } from "../../src/core/ids.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";

const ASK_MS_MAX = 15_000;

let database: TestDatabase;
let openAi: OpenAiServer;
let program: RunningProgram;

beforeAll(async () => {
  database = await blankDatabase();
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    ...redisEnvironment("program in the browser"),
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    OPENAI_PRICE: "2/4",
    TRIAL_MESSAGES: "1",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

interface Shown {
  readonly author: "person" | "bot";
  readonly text: string;
  readonly fileName: string | null;
}

/** A browser without a screen. */
class Visitor {
  readonly #cookie: string;
  readonly #base: string;

  private constructor(cookie: string, base: string) {
    this.#cookie = cookie;
    this.#base = base;
  }

  static async open(): Promise<Visitor> {
    return new Visitor(cookieOf(await fetch(`${program.url}/`)), "/chat");
  }

  static async openAdmin(key: string): Promise<Visitor> {
    const response = await fetch(`${program.url}/admin-chat/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: program.url },
      body: JSON.stringify({ key }),
    });
    return new Visitor(cookieOf(response), "/admin-chat");
  }

  async post(text: string): Promise<Response> {
    return await fetch(`${program.url}${this.#base}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: program.url, cookie: this.#cookie },
      body: JSON.stringify({ id: createId(new Date()), text, attachments: [] }),
    });
  }

  async read(): Promise<Shown[]> {
    const abort = new AbortController();
    const response = await fetch(`${program.url}${this.#base}/events`, {
      headers: { cookie: this.#cookie },
      signal: abort.signal,
    });
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const line = text.split("\n").find((part) => part.startsWith("data:"));
      if (line === undefined || !text.includes("\n\n")) continue;
      abort.abort();
      return JSON.parse(line.slice("data:".length)).messages;
    }
    return [];
  }

  /** Writes and resolves with the first new message of the bot that fits. */
  async ask(text: string, look: (text: string) => boolean): Promise<string> {
    const known = (await this.read()).length;
    const response = await this.post(text);
    expect(response.status).toBe(202);
    for (const startedAtMs = Date.now(); Date.now() - startedAtMs < ASK_MS_MAX; await sleep(50)) {
      const found = (await this.read())
        .slice(known)
        .find((message) => message.author === "bot" && look(message.text));
      if (found !== undefined) return found.text;
    }
    const shown = JSON.stringify((await this.read()).slice(known));
    throw new Error(
      `no fitting answer to "${text}": ${shown}; log: ${program.output.slice(-2_000)}`,
    );
  }
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

function adminKey(): string {
  return /admin-chat#(\S+)/.exec(program.output)?.[1] ?? "";
}

describe("the program in the browser", { timeout: 60_000 }, () => {
  it("answers, runs out, and goes on with credit that an admin granted", async () => {
    const visitor = await Visitor.open();
    await visitor.ask("hello", (text) => text.includes("left: 0 messages"));
    await visitor.ask("again", (text) => text.includes("Not enough credit"));
    const { rows } = await database.pool.query(
      "SELECT account_id, platform_user_id FROM identity WHERE platform_user_id <> 'admin'",
    );
    const admin = await Visitor.openAdmin(adminKey());
    await admin.ask(`/grant web:${rows[0].platform_user_id} 0.01 30 try it`, (text) =>
      text.includes("0.01 USD"),
    );
    const answer = await visitor.ask("again", (text) => text.includes("left:"));
    const [, cost] = /· (0\.\d+) USD · left/.exec(answer) ?? [];
    const charged = await database.pool.query(
      "SELECT input_tokens, output_tokens, charge FROM reply WHERE unit = 'credit'",
    );
    const { input_tokens: input, output_tokens: output, charge } = charged.rows[0];
    // 2 and 4 per million: the price of what the upstream says it used, rounded up once.
    expect(charge).toBe(BigInt(input * 2 + output * 4));
    expect(Math.round(Number(cost) * 1_000_000)).toBe(Number(charge));
    const usage = await visitor.ask("/usage", (text) => text.includes("last answers"));
    expect(usage).toContain(`${cost} USD`);
    const stats = await admin.ask("/stats", (text) => text.includes("Revenue"));
    expect(stats).toContain(`Revenue: ${cost} USD · 1 message`);
  });

  it("opens the admin chat only with its key", async () => {
    const response = await fetch(`${program.url}/admin-chat/session`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: program.url },
      body: JSON.stringify({ key: "wrong" }),
    });
    expect(response.status).toBe(403);
    const stranger = await fetch(`${program.url}/admin-chat/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: program.url },
      body: JSON.stringify({ id: randomUUID(), text: "/stats" }),
    });
    expect(stranger.status).toBe(401);
  });

  it("answers what nobody can answer with one sentence, and lives on", async () => {
    const visitor = await Visitor.open();
    await visitor.ask("x".repeat(1_000_000), (text) => text.includes("1000000 characters"));
    await visitor.ask("\u200b\u200d", (text) => text.includes("question in words"));
    const emoji = await visitor.ask("👩‍👩‍👧‍👦🎉", (text) => text.includes("left:"));
    expect(emoji).toContain("left: 0 messages");
    await visitor.ask("/lang zh", (text) => text.includes("中文"));
    await visitor.ask("/balance", (text) => text.includes("余额"));
    await visitor.ask("مرحبا", (text) => text.includes("余额不足"));
    expect((await fetch(`${program.url}/readyz`)).status).toBe(200);
  });

  it("keeps card codes out of what it stores", async () => {
    const visitor = await Visitor.open();
    const code = "LLM7-JN20-EF93-0BCT-DTA3-27TY-JW";
    await visitor.ask(`/redeem ${code}`, (text) => /invalid|typo/.test(text));
    const { rows } = await database.pool.query("SELECT text FROM web_message");
    expect(JSON.stringify(rows)).not.toContain("0BCT");
  });

  it("goes on with old conversations and begins new ones", async () => {
    const admin = await Visitor.openAdmin(adminKey());
    await admin.ask("/grant web:admin 20m 5 for the test", (text) => text.includes("20 messages"));
    await admin.ask("first topic", (text) => text.includes("left:"));
    await admin.ask("/new", (text) => text.includes("New conversation"));
    await admin.ask("second topic", (text) => text.includes("left:"));
    const last = () => JSON.stringify(openAi.requests.at(-1)?.body.messages);
    expect(last()).not.toContain("first topic");
    const history = await admin.ask("/history", (text) => text.includes("first topic"));
    expect(history).toMatch(/1\. second topic[\s\S]*2\. first topic/);
    await admin.ask("/resume 2", (text) => text.includes("first topic"));
    await admin.ask("and more", (text) => text.includes("left:"));
    expect(last()).toContain("first topic");
    expect(last()).not.toContain("second topic");
    await admin.ask("/retry", (text) => text.includes("left:"));
    expect(last().match(/and more/g)).toHaveLength(1);
  });

  it("drains: takes no new questions until told otherwise", async () => {
    const admin = await Visitor.openAdmin(adminKey());
    await admin.ask("/drain on", (text) => text.includes("No new questions"));
    await admin.ask("hello?", (text) => text.includes("updated"));
    await admin.ask("/drain off", (text) => text.includes("again"));
    await admin.ask("hello?", (text) => text.includes("left:"));
  });

  it("brings a broadcast to everyone once, and to no admin chat", async () => {
    const visitor = await Visitor.open();
    await visitor.ask("/start", (text) => text.includes("Welcome"));
    const admin = await Visitor.openAdmin(adminKey());
    const queued = await admin.ask("/broadcast **Maintenance** tonight", (text) =>
      text.includes("On its way"),
    );
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS people FROM identity WHERE platform_user_id <> 'admin'",
    );
    expect(queued).toContain(`${rows[0].people} people`);
    const seen = async () =>
      (await visitor.read()).filter(({ text }) => text.includes("Maintenance")).length;
    await expect.poll(seen, { timeout: 15_000 }).toBe(1);
    await expect
      .poll(async () => {
        const left = await database.pool.query("SELECT 1 FROM notice WHERE state = 'queued'");
        return left.rows.length;
      })
      .toBe(0);
    expect(await seen()).toBe(1);
    const inAdminChat = (await admin.read()).filter(({ author }) => author === "bot");
    expect(inAdminChat.some(({ text }) => text.includes("Maintenance"))).toBe(false);
  });

  it("changes prices from the next question on, and lists and checks upstreams", async () => {
    const admin = await Visitor.openAdmin(adminKey());
    const changed = await admin.ask("/price gpt-test 1.5 0", (text) => text.includes("→"));
    expect(changed).toContain("1.50 in / 0.00 out");
    await admin.ask("/price gpt-test -1 2", (text) => text.includes("is not an amount"));
    await admin.ask("/upstreams check", (text) => text.includes("✅"));
    await admin.ask("/upstreams disable openai", (text) => text.includes("switched off"));
    await admin.ask("hello?", (text) => text.includes("not available right now"));
    await admin.ask("/upstreams enable openai", (text) => text.includes("in use"));
    await admin.ask("/upstreams enable nothing", (text) => text.includes("no upstream"));
  });
});
