import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { ConfigFile } from "../fakes/config-file.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";
import { WebVisitor } from "../fakes/web-visitor.ts";
import type { SeenMessage } from "../fakes/wecom/wecom-chats.ts";
import { WecomServer } from "../fakes/wecom/wecom-server.ts";

const WAIT = { timeout: 20_000, interval: 20 };
const BOT_ID = "aib_dianka";
const SECRET = "a-secret-nobody-may-read";

let database: TestDatabase;
let wecom: WecomServer;
let openAi: OpenAiServer;
let config: ConfigFile;
let program: RunningProgram;

beforeAll(async () => {
  database = await blankDatabase();
  wecom = await WecomServer.start({ botId: BOT_ID, secret: SECRET, now: Date.now });
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
  config = await ConfigFile.write({ chat: { burstMs: 50 } });
  program = await RunningProgram.start({
    DATABASE_URL: database.url,
    ...redisEnvironment("program on WeCom"),
    WECOM_BOT_ID: BOT_ID,
    WECOM_BOT_SECRET: SECRET,
    WECOM_BOT_WS_URL: wecom.url,
    ADMIN_CHATS: "wecom:boss",
    ADMIN_USERS: "wecom:boss",
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    DIANKA_CONFIG: config.path,
    TRIAL_MESSAGES: "3",
  });
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await config?.[Symbol.asyncDispose]();
  await openAi?.[Symbol.asyncDispose]();
  await wecom?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

/** Resolves with the first message in the chat, after the `known` first ones, that looks so. */
async function see(
  chat: string,
  look: (message: SeenMessage) => boolean,
  known = 0,
): Promise<SeenMessage> {
  const find = () => wecom.seenIn(chat).slice(known).find(look);
  await expect.poll(find, WAIT).toBeDefined();
  const found = find();
  if (found === undefined) throw new Error("it has gone again");
  return found;
}

/** Somebody writes in private; resolves with the finished message that has these words. */
async function ask(person: string, text: string, words: string): Promise<SeenMessage> {
  const known = wecom.seenIn(person).length;
  wecom.says(text, { from: person });
  return await see(person, (shown) => shown.isFinished && shown.text.includes(words), known);
}

const begun = (words: string) => (shown: SeenMessage) =>
  !shown.isFinished && shown.text.includes(words);
const words = (count: number) => Array.from({ length: count }, (_, index) => `词${index} `);

describe("the program on WeCom", { timeout: 40_000 }, () => {
  it("is connected, and greets who opens the chat", async () => {
    const ready = await (await fetch(`${program.url}/readyz`)).json();
    expect(ready).toMatchObject({ ready: true, parts: { wecom: "up" } });
    wecom.enters("ann");
    expect((await see("ann", ({ kind }) => kind === "welcome")).text).toContain("您好");
  });

  it("lets one answer grow in its message, and ends it with the receipt", async () => {
    openAi.behaviour = { tokens: words(60), tokenMs: 60 };
    const answer = await ask("ann", "慢慢数", "剩余");
    expect(answer.kind).toBe("stream");
    expect(answer.text).toContain(words(60).join("").trim());
    expect(answer.text).toContain("2 次提问");
    expect(answer.writes).toBeGreaterThan(2);
    expect(wecom.seenIn("ann").filter(({ kind }) => kind === "stream")).toHaveLength(1);
    openAi.behaviour = {};
  });

  it("stops an answer in the same message, and takes what came", async () => {
    openAi.behaviour = { tokens: words(400), tokenMs: 40 };
    wecom.says("数到四百", { from: "bea" });
    const shown = await see("bea", begun("词3"));
    wecom.says("停止", { from: "bea" });
    await expect.poll(() => shown.isFinished, WAIT).toBe(true);
    expect(shown.text).toContain("已停止");
    expect(shown.text).toContain("2 次提问");
    expect(shown.text).not.toContain("词399");
    openAi.behaviour = {};
  });

  it("goes on in the same message after the connection was cut", async () => {
    openAi.behaviour = { tokens: words(100), tokenMs: 40 };
    wecom.says("断线也要数完", { from: "cat" });
    const shown = await see("cat", begun("词3"));
    const { subscriptions } = wecom;
    wecom.cut();
    await expect.poll(() => wecom.subscriptions, WAIT).toBe(subscriptions + 1);
    await expect.poll(() => shown.isFinished, WAIT).toBe(true);
    expect(shown.text).toContain(words(100).join("").trim());
    expect(shown.text).toContain("2 次提问");
    expect(wecom.seenIn("cat")).toHaveLength(1);
    openAi.behaviour = {};
  });

  it("sends the whole answer anew where the new connection knows the old message no more", async () => {
    openAi.behaviour = { tokens: words(60), tokenMs: 40 };
    wecom.says("再断一次", { from: "dan" });
    await see("dan", begun("词3"));
    wecom.cut();
    wecom.chats.forgetRequests();
    const answer = await see(
      "dan",
      ({ kind, text }) => kind === "markdown" && text.includes("剩余"),
    );
    expect(answer.text).toContain(words(60).join("").trim());
    expect(answer.text).toContain("2 次提问");
    openAi.behaviour = {};
  });

  it("answers a message once that WeCom brings twice", async () => {
    const msgid = wecom.says("只问一次", { from: "eve" });
    wecom.resend(msgid);
    await see("eve", ({ isFinished, text }) => isFinished && text.includes("2 次提问"));
    wecom.resend(msgid);
    await ask("eve", "余额", "2 次提问");
    const { rows } = await database.pool.query(
      "SELECT count(*)::int AS count FROM turn WHERE text = '只问一次'",
    );
    expect(rows[0].count).toBe(1);
    expect(wecom.seenIn("eve")).toHaveLength(2);
  });

  it("hands cards to an admin as a file, and takes their codes from people", async () => {
    wecom.says("/cards new WINTER 1 5m 30", { from: "boss" });
    const file = await see("boss", ({ kind }) => kind === "file");
    const code = wecom.uploads.file(file.text)?.content.trim() ?? "";
    await see("boss", ({ text }) => text.includes("WINTER"));
    await ask("fay", code, "5 次提问");
    await ask("fay", "余额", "8 次提问");
    expect(program.output + program.errors).not.toContain(code);
  });

  it("is one wallet with the browser once a code was typed", async () => {
    const visitor = await WebVisitor.open(program.url);
    const told = await visitor.ask("/link", "/link ");
    const [, code = ""] = /\/link (\w{4}-\w{4})/.exec(told) ?? [];
    await ask("gus", `绑定 ${code}`, "共用一个账号");
    await ask("gus", "你好", "2 次提问");
    await visitor.ask("/balance", "2 messages");
    expect(await auditLedger(database.pool)).toEqual([]);
    const secrets = [SECRET, "慢慢数", code];
    for (const secret of secrets) expect(program.output + program.errors).not.toContain(secret);
  });
});
