import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RunningAccount } from "../fakes/wechat-oa/running-account.ts";
import { SERVICE_DOWN } from "../fakes/wechat-oa/wechat-oa-person.ts";

const WAIT = { timeout: 15_000, interval: 20 };

const BOSS = "oBoss_0123456789-ABCDEFGHIJK";

let openAi: OpenAiServer;

beforeAll(async () => {
  openAi = await OpenAiServer.start({ models: ["gpt-test"] });
});

afterAll(() => openAi?.[Symbol.asyncDispose]());

describe("the program on an account that may only answer", { timeout: 40_000 }, () => {
  it("answers inside the request, on a later attempt, or when the person asks again", async () => {
    await using account = await RunningAccount.open(openAi, {
      WECHAT_OA_REPLIES: "passive",
      ADMIN_CHATS: `wechat-oa:${BOSS}`,
    });
    const [quick, later, late] = ["Quick", "Later", "Late"].map((name) => account.person(name));
    if (quick === undefined || later === undefined || late === undefined) throw new Error();
    const asked = () => openAi.requests.length;

    const push = quick.writes("一个快问题");
    await push.ended;
    expect(push.attempts).toHaveLength(1);
    expect(quick.shown).toHaveLength(1);
    expect(quick.shown[0]).toContain("2 次提问");

    // There is room for one message here, and a file and what is said of it are two.
    const boss = account.person("Boss");
    await boss.writes("/cards new SUMMER 1 5m 30").ended;
    expect(boss.shown).toEqual([expect.stringContaining("什么都没有生成")]);
    await boss.writes("/cards list").ended;
    expect(boss.shown[1]).not.toContain("SUMMER");

    const before = asked();
    openAi.behaviour = { firstByteMs: 15_500 };
    const slowest = late.writes("一个很慢的问题");
    await expect.poll(asked, WAIT).toBe(before + 1);
    openAi.behaviour = { firstByteMs: 6_000 };
    const slower = later.writes("一个慢问题");
    await expect.poll(asked, WAIT).toBe(before + 2);
    openAi.behaviour = {};
    await slower.ended;
    expect(slower.attempts).toHaveLength(2);
    expect(later.shown).toHaveLength(1);
    expect(later.shown[0]).toContain("2 次提问");

    await slowest.ended;
    expect(slowest.attempts).toHaveLength(3);
    expect(late.shown).toEqual([expect.stringContaining("回复任意内容")]);
    await expect.poll(() => account.program.errors, WAIT).toContain("the rest waits");
    await late.writes("继续").ended;
    expect(late.shown).toHaveLength(2);
    expect(late.shown[1]).toContain("2 次提问");
    for (const { shown } of [quick, later, late]) expect(shown).not.toContain(SERVICE_DOWN);
    expect(account.wechat.callsOf("message/custom/send")).toEqual([]);
  });
});
