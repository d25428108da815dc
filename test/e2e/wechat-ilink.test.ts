import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { AdminOnTelegram } from "../fakes/admin-on-telegram.ts";
import { ConfigFile } from "../fakes/config-file.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningProgram } from "../fakes/running-program.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { blankDatabase, type TestDatabase } from "../fakes/test-database.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";
import type { IlinkPerson } from "../fakes/wechat/ilink-person.ts";
import { IlinkServer } from "../fakes/wechat/ilink-server.ts";

const WAIT = { timeout: 15_000, interval: 20 };

let database: TestDatabase;
let telegram: TelegramServer;
let openAi: OpenAiServer;
let ilink: IlinkServer;
let config: ConfigFile;
let admin: AdminOnTelegram;
let program: RunningProgram;
let zhang: IlinkPerson;

async function start(): Promise<RunningProgram> {
  return await RunningProgram.start({
    DATABASE_URL: database.url,
    ...redisEnvironment("program on WeChat"),
    ...admin.environment,
    WECHAT_PUPPET: "ilink",
    ILINK_BASE_URL: ilink.url,
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: openAi.url,
    OPENAI_MODEL: "gpt-test",
    DIANKA_CONFIG: config.path,
    SECRET_KEY: "the same for all processes",
    TRIAL_MESSAGES: "3",
  });
}

beforeAll(async () => {
  database = await blankDatabase();
  telegram = await TelegramServer.start();
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
  ilink = await IlinkServer.start();
  config = await ConfigFile.write({ chat: { burstMs: 50 } });
  admin = new AdminOnTelegram(telegram);
  program = await start();
});

afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
  await config?.[Symbol.asyncDispose]();
  await ilink?.stop();
  await openAi?.[Symbol.asyncDispose]();
  await telegram?.stop();
  await database?.[Symbol.asyncDispose]();
});

async function health(): Promise<{ status: number; wechat: string }> {
  const response = await fetch(`${program.url}/readyz`);
  const { parts } = (await response.json()) as { parts: Record<string, string> };
  return { status: response.status, wechat: parts.wechat ?? "" };
}

/** Writes and resolves with the first new message that has these words. */
async function ask(person: IlinkPerson, text: string, words: string): Promise<string> {
  const known = person.screen.length;
  ilink.write(person, text);
  const find = () => person.texts.slice(known).find((shown) => shown.includes(words));
  await expect.poll(find, WAIT).toBeDefined();
  return find() ?? "";
}

/** The newest code that nobody has used. */
async function scanNewestCode(person: IlinkPerson): Promise<void> {
  await expect.poll(() => ilink.codes.at(-1)?.hasEnded, WAIT).toBe(false);
  const code = ilink.codes.at(-1);
  if (code === undefined) throw new Error("there is no code");
  code.scan();
  ilink.confirm(code, person);
  await expect.poll(() => ilink.pollsOf(person), WAIT).toBe(1);
}

describe("the program in personal WeChat, by iLink", { timeout: 40_000 }, () => {
  it("shows a code to operators, and is ready while it waits for somebody to scan it", async () => {
    expect(program.output).toContain("people scan the code at /wechat");
    await program.waitForOutput("▀");
    expect(await health()).toEqual({ status: 200, wechat: "waiting for login" });
    await expect.poll(() => admin.read("/wechat").length, WAIT).toBe(1);
    zhang = ilink.addPerson("zhang");
    await scanNewestCode(zhang);
    await expect.poll(health, WAIT).toEqual({ status: 200, wechat: "up" });
  });

  it("answers in a few pieces after typing, with the receipt in the last", async () => {
    const sentences = Array.from({ length: 60 }, (_, index) => `第${index}句话，说的是天气。`);
    openAi.behaviour = {
      tokens: [sentences.slice(0, 30).join(""), "\n\n", sentences.slice(30).join("")],
      tokenMs: 400,
    };
    const last = await ask(zhang, "讲讲天气", "剩余");
    expect(zhang.screen.length).toBeGreaterThanOrEqual(2);
    expect(zhang.screen.length).toBeLessThanOrEqual(5);
    expect(zhang.typing).toBeGreaterThan(0);
    expect(last).toContain("2 次提问");
    expect(zhang.texts.join("").match(/第\d+句话/g)).toHaveLength(60);
    openAi.behaviour = {};
  });

  it("takes plain words as commands", async () => {
    await ask(zhang, "余额", "2 次提问");
    await ask(zhang, "帮助", "/redeem");
    await ask(zhang, "新对话", "新对话已开始");
    openAi.behaviour = { tokens: 400, tokenMs: 50 };
    const typing = zhang.typing;
    ilink.write(zhang, "数数");
    await expect.poll(() => openAi.countersOf("sk-test").inFlight, WAIT).toBe(1);
    await expect.poll(() => zhang.typing, WAIT).toBeGreaterThan(typing);
    await expect.poll(() => openAi.countersOf("sk-test").tokens, WAIT).toBeGreaterThan(15);
    expect(await ask(zhang, "停止", "剩余")).toContain("1 次提问");
    openAi.behaviour = {};
  });

  it("sells cards when the trial is over", async () => {
    await ask(zhang, "最后一问", "0 次提问");
    await ask(zhang, "还有吗", "余额不足");
    const [code = ""] = await admin.makeCards("SPRING", "1 20m 30");
    await ask(zhang, `充值 ${code.toLowerCase()}`, "20 次提问");
    await ask(zhang, "再问一次", "19 次提问");
    const { rows } = await database.pool.query(
      "SELECT text FROM turn UNION SELECT payload::text FROM inbound UNION SELECT value FROM adapter_memory",
    );
    expect(JSON.stringify(rows)).not.toContain(code);
    expect(program.output + program.errors).not.toContain(code);
  });

  it("gives everybody who scans a code on the page a wallet of their own", async () => {
    const codes = ilink.codes.length;
    expect((await fetch(`${program.url}/wechat`)).status).toBe(200);
    await expect.poll(() => ilink.codes.length, WAIT).toBe(codes + 1);
    const li = ilink.addPerson("li");
    await scanNewestCode(li);
    await ask(li, "你好", "2 次提问");
    await ask(zhang, "余额", "19 次提问");
  });

  it("is one wallet with Telegram once a code was typed", async () => {
    const friend = telegram.user(501);
    friend.writes("/link");
    const shown = await telegram.waitFor(
      () => telegram.messages(501).find(({ isBot, text }) => isBot && text.includes("/link ")),
      15_000,
    );
    const [, code = ""] = /\/link (\w{4}-\w{4})/.exec(shown.text) ?? [];
    // The trial of the other chat is the larger one.
    expect(await ask(zhang, `绑定 ${code}`, "共用一个账号")).toContain("22 次提问");
    friend.writes("/balance");
    await telegram.waitFor(
      () => telegram.messages(501).find(({ text }) => text.includes("22 messages")),
      15_000,
    );
  });

  it("keeps the rest of a long answer through a crash, and brings it once", async () => {
    const lines = Array.from(
      { length: 170 },
      (_, index) => `L${index}. ${"天地玄黄".repeat(25)}\n`,
    );
    openAi.behaviour = { tokens: lines };
    const known = zhang.screen.length;
    const told = await ask(zhang, "讲个很长的故事", "未完");
    expect(told).toContain("继续");
    await expect.poll(() => program.errors, WAIT).toContain("the rest waits for the person");
    program.signal("SIGKILL");
    await program.ended();
    await program[Symbol.asyncDispose]();
    program = await start();
    await expect.poll(() => ilink.pollsOf(zhang), WAIT).toBe(1);
    await ask(zhang, "继续", "21 次提问");
    openAi.behaviour = {};
    const shown = zhang.texts.slice(known).join("\n");
    const numbers = [...shown.matchAll(/L(\d+)\./g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(lines.map((_, index) => index));
    const { length } = zhang.screen;
    await ask(zhang, "余额", "21 次提问");
    expect(zhang.screen).toHaveLength(length + 1);
  });

  it("asks for a new scan when WeChat ends the login, and knows the wallet again", async () => {
    const notices = admin.read("/wechat").length;
    const codes = ilink.codes.length;
    for (const person of ilink.people) ilink.expireToken(person);
    await expect.poll(health, WAIT).toEqual({ status: 200, wechat: "waiting for login" });
    await expect.poll(() => admin.read("/wechat").length, WAIT).toBe(notices + 1);
    await expect.poll(() => ilink.codes.length, WAIT).toBeGreaterThan(codes);
    await scanNewestCode(zhang);
    await ask(zhang, "余额", "21 次提问");
    expect(await auditLedger(database.pool)).toEqual([]);
    expect(ilink.faults).toEqual([]);
  });
});
