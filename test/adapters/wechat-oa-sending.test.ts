import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileMessages, toWechatText } from "../../src/adapters/wechat-oa/wechat-oa-content.ts";
import { CONTACT_RULES } from "../../src/adapters/wechat-oa/wechat-oa-send-budget.ts";
import { OutsideError } from "../../src/core/errors.ts";
import { ConnectedWechatOa, outgoing, until } from "../fakes/wechat-oa/connected-wechat-oa.ts";

const ANN = "oAnn_0123456789-ABCDEFGHIJKL";
const BOB = "oBob_0123456789-ABCDEFGHIJKL";
const HOUR_MS = 3_600_000;

/** The adapter, after a person wrote to it and was heard. */
async function writtenTo(openId = ANN): Promise<ConnectedWechatOa> {
  const wechat = await ConnectedWechatOa.start();
  await wechat.server.person(openId).writes("hello").ended;
  await until(() => wechat.core.texts.length === 1);
  return wechat;
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => null,
    (error: unknown) => error,
  );
}

describe("sending", () => {
  it("shows a person the text", async () => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    const sent = await wechat.adapter.send(to, outgoing('你好 👩‍👩‍👧‍👦 "a\\b" <b>'));
    const other = await wechat.adapter.send(to, outgoing("**bold**", { format: "markdown" }));
    expect(wechat.server.person(ANN).shown).toEqual(['你好 👩‍👩‍👧‍👦 "a\\b" <b>', "bold"]);
    expect(sent.address).toEqual(to);
    expect(sent.id).not.toBe(other.id);
  });

  it("does not let WeChat turn code into links", async () => {
    await using wechat = await writtenTo();
    const code = '```html\n<a href="x">y</a>\n```';
    await wechat.adapter.send(wechat.address(ANN), outgoing(code, { format: "markdown" }));
    const [shown = ""] = wechat.server.person(ANN).shown;
    expect(shown).not.toMatch(/<\/?a/);
    expect(shown.replaceAll("\u200b", "")).toBe('<a href="x">y</a>');
  });

  it("never sends an empty message", async () => {
    await using wechat = await writtenTo();
    await wechat.adapter.send(wechat.address(ANN), outgoing(" \u0000\n"));
    expect(wechat.server.person(ANN).shown).toEqual(["…"]);
  });

  it("says what WeChat allows", async () => {
    await using wechat = await ConnectedWechatOa.create();
    expect(wechat.adapter.capabilities).toMatchObject({
      textBytesMax: 2_000,
      sendsPerMessageMax: 5,
      replyWindowMs: 48 * HOUR_MS,
      edit: null,
      typingMs: 15_000,
      plainCommands: true,
      groups: false,
      recall: false,
    });
  });

  it("changes and deletes nothing, and opens the only chat there is", async () => {
    await using wechat = await writtenTo();
    const error = await failure(wechat.adapter.edit());
    expect(error).toMatchObject({ kind: "rejected" });
    expect(await wechat.adapter.deleteMessage()).toBe(false);
    const sender = { platformUserId: ANN, displayName: "", username: null, locale: null };
    expect(await wechat.adapter.openDirectChat(sender)).toEqual(wechat.address(ANN));
  });
});

describe("the text of a message", () => {
  it("is never longer than WeChat takes, whatever it says", () => {
    const piece = fc.constantFrom(
      "- 中\n",
      "[a](https://b.c)",
      "<a ",
      "😀",
      "x",
      "| a | b |\n",
      "\n",
    );
    const text = fc.array(piece, { maxLength: 900 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(
        text,
        fc.constantFrom("plain" as const, "markdown" as const),
        (source, format) => {
          const shown = toWechatText({ text: source, format });
          expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(2_048);
          expect(shown.isWellFormed()).toBe(true);
        },
      ),
    );
  });

  it("is shown as it was written where its formatting would not fit", () => {
    const text = "- a\n".repeat(500);
    expect(toWechatText({ text, format: "markdown" })).toBe(text);
    expect(toWechatText({ text: "- a\n".repeat(100), format: "markdown" })).toContain("• a");
  });

  it("may have 2,048 bytes, and is cut without half a character above", () => {
    const fitting = `${"中".repeat(682)}ab`;
    expect(Buffer.byteLength(fitting)).toBe(2_048);
    expect(toWechatText({ text: fitting, format: "plain" })).toBe(fitting);
    const cut = toWechatText({ text: `${fitting}c`, format: "plain" });
    expect(cut).toBe(`${"中".repeat(681)}…`);
    const emoji = toWechatText({ text: "😀".repeat(513), format: "plain" });
    expect(emoji).toBe(`${"😀".repeat(511)}…`);
  });
});

describe("what may be sent", () => {
  it("is five messages for one of the person, and five more for the next", async () => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    for (let left = 5; left > 0; left -= 1) {
      expect(await wechat.adapter.sendsLeft(to)).toBe(left);
      await wechat.adapter.send(to, outgoing(`${left}`));
    }
    expect(await wechat.adapter.sendsLeft(to)).toBe(0);
    const calls = wechat.server.calls.length;
    const error = await failure(wechat.adapter.send(to, outgoing("too much")));
    expect(error).toEqual(new OutsideError("wechat-oa", "window_closed"));
    expect(wechat.server.calls).toHaveLength(calls);
    await wechat.server.person(ANN).writes("more").ended;
    await until(() => wechat.core.texts.length === 2);
    expect(await wechat.adapter.sendsLeft(to)).toBe(5);
  });

  it("counts anew before the core hears of the message", async () => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    for (let count = 0; count < 5; count += 1) await wechat.adapter.send(to, outgoing("x"));
    const left: number[] = [];
    wechat.core.respond = async () => void left.push(await wechat.adapter.sendsLeft(to));
    await wechat.server.person(ANN).writes("more").ended;
    await until(() => left.length === 1);
    expect(left).toEqual([5]);
  });

  it("survives a restart", async () => {
    await using first = await writtenTo();
    const to = first.address(ANN);
    for (let count = 0; count < 3; count += 1) await first.adapter.send(to, outgoing("x"));
    const { server, inbox, memory, clock } = first;
    await using second = await ConnectedWechatOa.start({ server, inbox, memory, clock });
    expect(await second.adapter.sendsLeft(to)).toBe(2);
    await second.adapter.send(to, outgoing("x"));
    await second.adapter.send(to, outgoing("x"));
    expect(await failure(second.adapter.send(to, outgoing("x")))).toMatchObject({
      kind: "window_closed",
    });
    expect(server.person(ANN).shown).toHaveLength(5);
  });

  it("is not counted anew when the same message is handled again", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const to = wechat.address(ANN);
    wechat.core.failures.push(new Error("not now"));
    await wechat.server.person(ANN).writes("hello").ended;
    await until(() => wechat.core.texts.length === 1);
    for (let count = 0; count < 4; count += 1) await wechat.adapter.send(to, outgoing("x"));
    await wechat.pass(1_000, 1);
    await until(() => wechat.core.texts.length === 2);
    expect(await wechat.adapter.sendsLeft(to)).toBe(1);
  });

  it("ends 48 hours after a message", async () => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    await wechat.clock.advance(48 * HOUR_MS - 1);
    expect(await wechat.adapter.sendsLeft(to)).toBe(5);
    await wechat.adapter.send(to, outgoing("in time"));
    await wechat.clock.advance(1);
    expect(await wechat.adapter.sendsLeft(to)).toBe(0);
    const error = await failure(wechat.adapter.send(to, outgoing("late")));
    expect(error).toMatchObject({ kind: "window_closed" });
    expect(wechat.server.person(ANN).shown).toEqual(["in time"]);
  });

  it("is three messages in a minute after a tap, a scan or a follow", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const to = wechat.address(ANN);
    await wechat.server.person(ANN).taps("/balance").ended;
    await until(() => wechat.core.texts.length === 1);
    for (let left = 3; left > 0; left -= 1) {
      expect(await wechat.adapter.sendsLeft(to)).toBe(left);
      await wechat.adapter.send(to, outgoing("x"));
    }
    expect(await wechat.adapter.sendsLeft(to)).toBe(0);
    await wechat.server.person(BOB).follows().ended;
    await until(() => wechat.core.texts.length === 2);
    await wechat.clock.advance(59_999);
    expect(await wechat.adapter.sendsLeft(wechat.address(BOB))).toBe(3);
    await wechat.clock.advance(1);
    expect(await wechat.adapter.sendsLeft(wechat.address(BOB))).toBe(0);
  });

  it("does not add up: a tap after a message brings no more than the larger of both", async () => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    await wechat.server.person(ANN).taps("/help").ended;
    await until(() => wechat.core.texts.length === 2);
    expect(await wechat.adapter.sendsLeft(to)).toBe(5);
    for (let count = 0; count < 5; count += 1) await wechat.adapter.send(to, outgoing("x"));
    expect(await wechat.adapter.sendsLeft(to)).toBe(0);
    await wechat.server.person(ANN).scans("7").ended;
    await until(() => wechat.core.texts.length === 3);
    await wechat.clock.advance(1_000);
    await wechat.server.person(ANN).taps("/help").ended;
    await until(() => wechat.core.texts.length === 4);
    expect(await wechat.adapter.sendsLeft(to)).toBe(3);
  });

  it("is nothing for somebody who never wrote, and after they left", async () => {
    await using wechat = await writtenTo();
    expect(await wechat.adapter.sendsLeft(wechat.address(BOB))).toBe(0);
    await wechat.server.person(ANN).leaves().ended;
    await until(() => wechat.core.reachable.length === 1);
    expect(await wechat.adapter.sendsLeft(wechat.address(ANN))).toBe(0);
  });

  it("is counted once for each of many sends at the same time", async () => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    const sends = Array.from({ length: 20 }, (_, index) =>
      failure(wechat.adapter.send(to, outgoing(`${index}`))),
    );
    const errors = (await Promise.all(sends)).filter((error) => error !== null);
    expect(errors).toHaveLength(20 - CONTACT_RULES.message.sendsMax);
    expect(wechat.server.person(ANN).shown).toHaveLength(CONTACT_RULES.message.sendsMax);
  });
});

describe("a refused message", () => {
  it.each([45015, 45047])("closes the chat until the person writes: %i", async (code) => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    wechat.server.fail("message/custom/send", { code });
    const error = await failure(wechat.adapter.send(to, outgoing("x")));
    expect(error).toMatchObject({ kind: "window_closed", retryable: false });
    expect(await wechat.adapter.sendsLeft(to)).toBe(0);
    await wechat.server.person(ANN).writes("more").ended;
    await until(() => wechat.core.texts.length === 2);
    expect(await wechat.adapter.sendsLeft(to)).toBe(5);
  });

  it("closes the chat when WeChat counts otherwise than we", async () => {
    await using wechat = await writtenTo();
    const { message } = wechat.server.state.follower(ANN);
    if (message !== null) message.left = 1;
    const to = wechat.address(ANN);
    await wechat.adapter.send(to, outgoing("x"));
    expect(await failure(wechat.adapter.send(to, outgoing("y")))).toMatchObject({
      kind: "window_closed",
    });
    expect(await wechat.adapter.sendsLeft(to)).toBe(0);
  });

  it.each([
    [45002, "rejected"],
    [44004, "rejected"],
    [45009, "rate_limited"],
    [-1, "overloaded"],
    [40003, "chat_gone"],
    [43004, "chat_gone"],
  ] as const)("is %i, told as %s, and not counted", async (code, kind) => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    wechat.server.fail("message/custom/send", { code });
    expect(await failure(wechat.adapter.send(to, outgoing("x")))).toMatchObject({ kind });
    expect(await wechat.adapter.sendsLeft(to)).toBe(5);
  });

  it("tells that somebody has left without our noticing", async () => {
    await using wechat = await writtenTo();
    wechat.server.state.follower(ANN).isFollower = false;
    const error = await failure(wechat.adapter.send(wechat.address(ANN), outgoing("x")));
    expect(error).toMatchObject({ kind: "chat_gone" });
    await until(() => wechat.core.reachable.length === 1);
    expect(wechat.core.reachable).toEqual([{ openId: ANN, isReachable: false }]);
  });

  it.each([
    ["busy", "overloaded"],
    ["garbage", "overloaded"],
    ["cut", "unreachable"],
  ] as const)("stays counted when no answer tells: %s", async (fault, kind) => {
    await using wechat = await writtenTo();
    const to = wechat.address(ANN);
    wechat.server.fail("message/custom/send", fault);
    const error = await failure(wechat.adapter.send(to, outgoing("x")));
    expect(error).toMatchObject({ kind, retryable: true });
    expect(JSON.stringify(error)).not.toContain("access_token");
    expect(await wechat.adapter.sendsLeft(to)).toBe(4);
  });
});

describe("an account without the right to customer-service messages", () => {
  it("answers passively from then on, after a restart too, and tries again a day later", async () => {
    await using first = await writtenTo();
    first.server.state.settings.hasCustomerService = false;
    const to = first.address(ANN);
    expect(await failure(first.adapter.send(to, outgoing("x")))).toMatchObject({
      kind: "window_closed",
    });
    expect(first.adapter.capabilities).toMatchObject({ sendsPerMessageMax: 1, typingMs: null });
    expect(first.adapter.problem).toBeNull();
    expect(first.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(await first.adapter.sendsLeft(to)).toBe(0);

    const { server, inbox, memory, clock } = first;
    await using second = await ConnectedWechatOa.start({ server, inbox, memory, clock });
    expect(second.adapter.capabilities.sendsPerMessageMax).toBe(1);
    second.core.respond = async () => {
      await second.adapter.send(to, outgoing("passive answer"));
    };
    await server.person(ANN).writes("hello").ended;
    expect(server.person(ANN).shown).toEqual(["passive answer"]);
    await clock.advance(24 * HOUR_MS);
    expect(second.adapter.capabilities.sendsPerMessageMax).toBe(5);
  });
});

describe("a file", () => {
  const file = (lines: number) => ({
    name: "codes.txt",
    content: Array.from({ length: lines }, (_, index) => `CODE-${1000 + index}-ABCD-EFGH`).join(
      "\n",
    ),
    caption: "Your codes",
  });

  it("comes as messages of whole lines, in order", async () => {
    await using wechat = await writtenTo();
    await wechat.adapter.sendFile(wechat.address(ANN), file(200));
    const { shown } = wechat.server.person(ANN);
    expect(shown.length).toBeGreaterThan(1);
    expect(wechat.adapter.sendsForFile(file(200))).toBe(shown.length);
    const lines = shown
      .join("\n")
      .split("\n")
      .filter((line) => line !== "");
    expect(lines).toEqual(["Your codes", ...file(200).content.split("\n")]);
  });

  it("is not begun when there is no room for all of it", async () => {
    await using wechat = await writtenTo();
    const long = file(600);
    expect(fileMessages(long).length).toBeGreaterThan(5);
    const error = await failure(wechat.adapter.sendFile(wechat.address(ANN), long));
    expect(error).toMatchObject({ kind: "window_closed" });
    expect(wechat.server.person(ANN).shown).toEqual([]);
  });
});

describe("the typing signal", () => {
  it("is shown, and may be shown again while it still is", async () => {
    await using wechat = await writtenTo();
    const ann = wechat.server.person(ANN);
    await wechat.adapter.showTyping(wechat.address(ANN));
    expect(ann.isShownTyping).toBe(true);
    await wechat.clock.advance(12_000);
    await wechat.adapter.showTyping(wechat.address(ANN));
    await wechat.clock.advance(3_000);
    expect(ann.isShownTyping).toBe(false);
    await wechat.adapter.showTyping(wechat.address(ANN));
    expect(ann.isShownTyping).toBe(true);
    expect(wechat.server.callsOf("message/custom/typing")).toHaveLength(3);
  });

  it("is left out 30 seconds after the person was in touch, and where they never were", async () => {
    await using wechat = await writtenTo();
    await wechat.clock.advance(29_999);
    await wechat.adapter.showTyping(wechat.address(ANN));
    await wechat.clock.advance(1);
    await wechat.adapter.showTyping(wechat.address(ANN));
    await wechat.adapter.showTyping(wechat.address(BOB));
    expect(wechat.server.callsOf("message/custom/typing")).toHaveLength(1);
  });

  it("costs none of the messages that may be sent", async () => {
    await using wechat = await writtenTo();
    await wechat.adapter.showTyping(wechat.address(ANN));
    expect(await wechat.adapter.sendsLeft(wechat.address(ANN))).toBe(5);
  });

  it("tells of other failures", async () => {
    await using wechat = await writtenTo();
    wechat.server.fail("message/custom/typing", { code: 45011 });
    const error = await failure(wechat.adapter.showTyping(wechat.address(ANN)));
    expect(error).toMatchObject({ kind: "rate_limited" });
  });
});
