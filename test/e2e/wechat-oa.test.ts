import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/store/ledger-audit.ts";
import { createPgPool } from "../../src/store/pg-pool.ts";
import { AdminOnTelegram } from "../fakes/admin-on-telegram.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { TelegramServer } from "../fakes/telegram-server.ts";
import { redisEnvironment } from "../fakes/test-redis.ts";
import { RunningAccount } from "../fakes/wechat-oa/running-account.ts";
import type { WechatPerson } from "../fakes/wechat-oa/wechat-oa-person.ts";

const WAIT = { timeout: 15_000, interval: 20 };

let telegram: TelegramServer;
let openAi: OpenAiServer;
let admin: AdminOnTelegram;

beforeAll(async () => {
  telegram = await TelegramServer.start();
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
  admin = new AdminOnTelegram(telegram);
});

afterAll(async () => {
  await openAi?.[Symbol.asyncDispose]();
  await telegram?.stop();
});

/** Resolves with the first message with these words after the `known` first ones. */
async function see(person: WechatPerson, words: string, known = 0): Promise<string> {
  const find = () => person.shown.slice(known).find((text) => text.includes(words));
  await expect.poll(find, WAIT).toBeDefined();
  return find() ?? "";
}

async function ask(person: WechatPerson, text: string, words: string): Promise<string> {
  const known = person.shown.length;
  person.writes(text);
  return await see(person, words, known);
}

async function onTelegram(user: number, text: string, words: string): Promise<string> {
  const known = telegram.messages(user).length;
  telegram.user(user).writes(text);
  const find = () =>
    telegram
      .messages(user)
      .slice(known)
      .find((message) => message.isBot && message.text.includes(words))?.text;
  await expect.poll(find, WAIT).toBeDefined();
  return find() ?? "";
}

describe("the program on a service account", { timeout: 30_000 }, () => {
  let account: RunningAccount;
  let ann: WechatPerson;

  beforeAll(async () => {
    account = await RunningAccount.open(openAi, {
      ...redisEnvironment("program on a service account"),
      ...admin.environment,
    });
    ann = account.person("Ann");
  });
  afterAll(() => account?.[Symbol.asyncDispose]());

  it("publishes a menu, welcomes a follower, and answers taps on the menu", async () => {
    await expect.poll(() => JSON.stringify(account.wechat.state.menu), WAIT).toContain("/balance");
    const ready = await (await fetch(`${account.program.url}/readyz`)).json();
    expect(ready).toMatchObject({ parts: { "wechat-oa": "up" } });
    await ann.follows().ended;
    expect(await see(ann, "欢迎")).toContain("3 次免费提问");
    const known = ann.shown.length;
    await ann.taps("/balance").ended;
    await see(ann, "3 次提问", known);
  });

  it("shows typing, then answers in pieces that end with a receipt", async () => {
    const sentences = Array.from({ length: 90 }, (_, index) => `第${index}句话，说的是天气。`);
    openAi.behaviour = { tokens: [...sentences], tokenMs: 5 };
    const known = ann.shown.length;
    ann.writes("讲讲天气");
    await expect.poll(() => ann.isShownTyping, WAIT).toBe(true);
    expect(await see(ann, "剩余", known)).toContain("2 次提问");
    const shown = ann.shown.slice(known);
    expect(shown.length).toBeGreaterThanOrEqual(2);
    expect(shown.length).toBeLessThanOrEqual(5);
    expect(shown.join("").match(/第\d+句话/g)).toHaveLength(90);
    openAi.behaviour = {};
  });

  it("answers a message once that WeChat brings twice", async () => {
    const known = ann.shown.length;
    const push = ann.writes("只问一次");
    await push.ended;
    await ann.push({ ...push.fields }).ended;
    await see(ann, "1 次提问", known);
    await ask(ann, "余额", "1 次提问");
    expect(ann.shown).toHaveLength(known + 2);
  });

  it("takes plain words, and sells cards when the trial is over", async () => {
    await ask(ann, "帮助", "/redeem");
    await ask(ann, "新对话", "新对话已开始");
    await ask(ann, "停止", "没有正在生成");
    await ask(ann, "最后一问", "0 次提问");
    await ask(ann, "还有吗", "余额不足");
    const [code = ""] = await admin.makeCards("AUTUMN", "1 20m 30");
    await ask(ann, `充值${code}`, "20 次提问");
    await ask(ann, "再问一次", "19 次提问");
    expect(account.program.output + account.program.errors).not.toContain(code);
  });

  it("brings the rest of a long answer when asked, and shows all of it on a page", async () => {
    const lines = Array.from(
      { length: 45 },
      (_, index) => `L${index}。${"天地玄黄".repeat(20)}\n\n`,
    );
    openAi.behaviour = { tokens: lines };
    const known = ann.shown.length;
    const told = await ask(ann, "讲个很长的故事", "未完");
    expect(ann.shown.slice(known)).toHaveLength(4);
    const [, path = ""] = /https:\/\/dianka\.example(\/answers\/[\w-]+)/.exec(told) ?? [];
    const page = await (await fetch(account.program.url + path)).text();
    for (const line of lines) expect(page).toContain(line.trim());
    expect((await fetch(`${account.program.url}${path.slice(0, -1)}!`)).status).toBe(404);
    await ask(ann, "继续", "18 次提问");
    openAi.behaviour = {};
    const shown = ann.shown.slice(known).join("\n");
    const numbers = [...shown.matchAll(/L(\d+)。/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(lines.map((_, index) => index));
  });

  it("joins a person of Telegram who scans the code that /link shows there", async () => {
    await onTelegram(501, "hello", "left: 2 messages");
    const told = await onTelegram(501, "/link", "scan");
    const calls = account.wechat.callsOf("qrcode/create") as [
      { action_info: { scene: { scene_str: string } } },
    ];
    const scene = calls[0].action_info.scene.scene_str;
    const [, code = ""] = /\/link (\w{4}-\w{4})/.exec(told) ?? [];
    expect(scene).toBe(`link_${code.replace("-", "")}`);

    const bob = account.person("Bob");
    await bob.follows(scene).ended;
    expect(await see(bob, "共用一个账号")).toContain("3 次提问");
    await expect
      .poll(() => telegram.messages(501).some(({ text }) => text.includes("has joined")), WAIT)
      .toBe(true);
    await ask(bob, "你好", "2 次提问");
    await onTelegram(501, "/balance", "2 messages");
    // The code is used up.
    const carol = account.person("Carol");
    await carol.scans(scene).ended;
    await see(carol, "绑定码无效");
    const { rows } = await account.database.pool.query(
      "SELECT event_id || coalesce(payload::text, '') AS text FROM inbound UNION SELECT value FROM adapter_memory",
    );
    expect(JSON.stringify(rows)).not.toContain(scene);
    expect(account.program.output + account.program.errors).not.toContain(scene);
    // Who asks here needs no code to scan here.
    await ask(ann, "绑定", "/link ");
    expect(account.wechat.callsOf("qrcode/create")).toHaveLength(1);
  });

  it("joins a person of Telegram by a code that is typed here, not by a scan alone", async () => {
    const [, code = ""] =
      /\/link (\w{4}-\w{4})/.exec(await onTelegram(502, "/link", "/link ")) ?? [];
    await ann.scans(`link_${code.replace("-", "")}`).ended;
    expect(await see(ann, "您扫描了一个绑定码")).toContain(`绑定 ${code.replace("-", "")}`);
    await onTelegram(502, "/balance", "3 messages");
    await ask(ann, `绑定 ${code}`, "共用一个账号");
    await onTelegram(502, "/balance", "18 messages");
    const pool = createPgPool(account.database.url, { max: 1, applicationName: "audit" });
    expect(await auditLedger(pool)).toEqual([]);
    await pool.end();
  });
});
