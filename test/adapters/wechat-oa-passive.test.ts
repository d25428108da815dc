import { describe, expect, it } from "vitest";
import { PASSIVE_TIMING } from "../../src/adapters/wechat-oa/wechat-oa-passive.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import {
  ConnectedWechatOa,
  type ConnectOptions,
  outgoing,
  STILL_WORKING,
  until,
} from "../fakes/wechat-oa/connected-wechat-oa.ts";
import type { WechatPerson } from "../fakes/wechat-oa/wechat-oa-person.ts";

const ANN = "oAnn_0123456789-ABCDEFGHIJKL";
const BOB = "oBob_0123456789-ABCDEFGHIJKL";
const KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const { holdMs } = PASSIVE_TIMING;
/** From the moment an attempt can no longer be answered until WeChat hangs up. */
const LATE_MS = 5_000 - holdMs;

/** Knows how many requests were ever held open for an answer. */
class HoldingClock extends FakeClock {
  held = 0;

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms === holdMs) this.held += 1;
    return super.sleep(ms, signal);
  }
}

async function connect(options: ConnectOptions = {}) {
  const clock = new HoldingClock();
  const wechat = await ConnectedWechatOa.start({ clock, hasCustomerService: false, ...options });
  const to = wechat.address(ANN);
  return {
    wechat,
    clock,
    to,
    ann: wechat.server.person(ANN),
    send: (text: string) => outcome(wechat.adapter.send(to, outgoing(text))),
    held: (count: number) => until(() => clock.held === count, `attempt ${count}`),
    [Symbol.asyncDispose]: () => wechat[Symbol.asyncDispose](),
  };
}

/** What became of it: "sent", or the kind of the failure. */
async function outcome(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => "sent",
    (error: { kind?: string }) => error.kind ?? String(error),
  );
}

describe("an account that can only answer", () => {
  it("says so", async () => {
    await using passive = await connect();
    expect(passive.wechat.adapter.capabilities).toMatchObject({
      sendsPerMessageMax: 1,
      typingMs: null,
      bursts: false,
      textBytesMax: 2_000,
      edit: null,
      plainCommands: true,
    });
    await passive.wechat.adapter.showTyping(passive.to);
    expect(passive.wechat.server.callsOf("message/custom/typing")).toEqual([]);
  });

  it.each([
    ["plain", null],
    ["encrypted", KEY],
  ])("answers inside the request, %s", async (_, encodingAesKey) => {
    await using passive = await connect({ encodingAesKey });
    const { wechat, ann, send, held } = passive;
    const push = ann.writes("hello");
    await held(1);
    expect(await wechat.adapter.sendsLeft(passive.to)).toBe(1);
    expect(await send("你好 😀 ]]> <b>")).toBe("sent");
    await push.ended;
    expect(ann.shown).toEqual(["你好 😀 ]]> <b>"]);
    expect(push.attempts).toHaveLength(1);
    expect(wechat.server.callsOf("message/custom/send")).toEqual([]);
  });

  it("answers a command, and a person who comes by a code, at once", async () => {
    await using passive = await connect();
    const { wechat, ann, to } = passive;
    wechat.core.respond = async ({ text }) => {
      await wechat.adapter.send(to, outgoing(`answer to ${text}`));
    };
    await ann.follows("ref_1").ended;
    await ann.taps("/balance").ended;
    await ann.writes("/help").ended;
    expect(ann.shown).toEqual(
      ["/start ref_1", "/balance", "/help"].map((text) => `answer to ${text}`),
    );
  });

  it("holds no request that nobody waits for", async () => {
    await using passive = await connect();
    const pushes = [
      passive.ann.leaves(),
      passive.ann.push({ MsgType: "event", Event: "VIEW", EventKey: "https://example.org" }),
    ];
    for (const push of pushes) {
      await push.ended;
      expect(push.attempts).toEqual([{ status: 200, body: "success" }]);
    }
    expect(passive.clock.held).toBe(0);
  });

  it("may answer once", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    const sends = await Promise.all([passive.send("one"), passive.send("two")]);
    expect(sends).toEqual(["sent", "window_closed"]);
    await push.ended;
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(0);
    expect(await passive.send("three")).toBe("window_closed");
    expect(passive.ann.shown).toEqual(["one"]);
  });

  it("may answer nobody else, and nobody who did not write", async () => {
    await using passive = await connect();
    const { wechat } = passive;
    expect(await passive.send("first")).toBe("window_closed");
    const push = passive.ann.writes("hello");
    await passive.held(1);
    const toBob = wechat.address(BOB);
    expect(await wechat.adapter.sendsLeft(toBob)).toBe(0);
    expect(await outcome(wechat.adapter.send(toBob, outgoing("x")))).toBe("window_closed");
    expect(await passive.send("second")).toBe("sent");
    await push.ended;
  });

  it("keeps a file whole: more than one message is not begun", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    const content = "CODE-1234\n".repeat(400);
    const sent = passive.wechat.adapter.sendFile(passive.to, {
      name: "codes.txt",
      content,
      caption: "",
    });
    expect(await outcome(sent)).toBe("window_closed");
    expect(await passive.send("no room")).toBe("sent");
    await push.ended;
  });
});

describe("the three attempts of WeChat", () => {
  it("carry an answer that takes 4.4 seconds in the first", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    await passive.clock.advance(holdMs - 100);
    expect(await passive.send("late")).toBe("sent");
    await push.ended;
    expect(push.attempts).toHaveLength(1);
    expect(passive.ann.shown).toEqual(["late"]);
  });

  it("carry an answer that came too late for the first in the second", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    await passive.clock.advance(holdMs);
    const sending = passive.send("between two attempts");
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(0);
    await passive.clock.advance(LATE_MS);
    expect(await sending).toBe("sent");
    await push.ended;
    expect(push.attempts).toEqual([
      { status: null, body: "" },
      { status: 200, body: expect.stringContaining("between two attempts") },
    ]);
    expect(passive.ann.shown).toEqual(["between two attempts"]);
  });

  it("carry an answer that takes 12 seconds in the third", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    await passive.clock.advance(5_000);
    await passive.held(2);
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(1);
    await passive.clock.advance(5_000);
    await passive.held(3);
    await passive.clock.advance(2_000);
    expect(await passive.send("at last")).toBe("sent");
    await push.ended;
    expect(passive.ann.shown).toEqual(["at last"]);
    expect(passive.wechat.core.texts).toEqual(["hello"]);
  });

  it("end with a word on how to get the answer, which then comes with the next message", async () => {
    await using passive = await connect();
    const { ann, clock, held, send } = passive;
    const push = ann.writes("hello");
    await held(1);
    await clock.advance(5_000);
    await held(2);
    await clock.advance(5_000);
    await held(3);
    await clock.advance(holdMs - 1);
    expect(ann.shown).toEqual([]);
    await clock.advance(1);
    await push.ended;
    expect(push.attempts).toHaveLength(3);
    expect(ann.shown).toEqual([STILL_WORKING]);
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(0);
    expect(await send("the answer")).toBe("window_closed");

    const fetching = ann.writes("继续");
    await held(4);
    expect(await send("the answer")).toBe("sent");
    await fetching.ended;
    expect(ann.shown).toEqual([STILL_WORKING, "the answer"]);
    expect(passive.wechat.core.texts).toEqual(["hello", "继续"]);
  });

  it("give the same answer again when it was lost on the way", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    expect(await passive.send("the answer")).toBe("sent");
    await push.ended;
    await passive.ann.push(push.fields).ended;
    expect(passive.ann.shown).toEqual(["the answer", "the answer"]);
    expect(passive.wechat.core.texts).toEqual(["hello"]);
  });

  it("fail what waits for the next one, should WeChat not come back", async () => {
    await using passive = await connect();
    const gone = new AbortController();
    await post(passive.wechat, passive.ann, gone.signal);
    await passive.held(1);
    await passive.clock.advance(holdMs);
    const sending = passive.send("nobody reads this");
    gone.abort();
    await passive.clock.advance(PASSIVE_TIMING.giveUpMs - holdMs);
    expect(await sending).toBe("window_closed");
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(0);
  });
});

/** Posts a message as WeChat does, but only once. */
async function post(
  wechat: ConnectedWechatOa,
  person: WechatPerson,
  signal: AbortSignal,
): Promise<void> {
  const seconds = Math.floor(wechat.clock.now().getTime() / 1000);
  const { query, body } = person.signed(
    `<xml><ToUserName>gh_1</ToUserName><FromUserName>${person.openId}</FromUserName><CreateTime>${seconds}</CreateTime><MsgType>text</MsgType><Content>hello</Content><MsgId>77</MsgId></xml>`,
  );
  const url = `${wechat.url}?${new URLSearchParams(query)}`;
  void fetch(url, { method: "POST", body, signal }).catch(() => {});
}

describe("two messages of one person", () => {
  it("are two exchanges: the older is answered first", async () => {
    await using passive = await connect();
    const first = passive.ann.writes("one");
    await passive.held(1);
    await passive.clock.advance(1_000);
    const second = passive.ann.writes("two");
    await passive.held(2);
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(1);
    expect(await passive.send("answer one")).toBe("sent");
    await first.ended;
    expect(second.attempts[0]?.status).toBeNull();
    expect(await passive.wechat.adapter.sendsLeft(passive.to)).toBe(1);
    expect(await passive.send("answer two")).toBe("sent");
    await second.ended;
    expect(passive.ann.shown).toEqual(["answer one", "answer two"]);
  });
});

describe("a restart in the middle of an exchange", () => {
  it("takes up the message, and answers in the next attempt", async () => {
    await using first = await connect();
    const { server, inbox, memory } = first.wechat;
    first.wechat.core.failures.push(new Error("crash"));
    const push = first.ann.writes("hello");
    await first.held(1);
    await using second = await ConnectedWechatOa.start({
      server,
      inbox,
      memory,
      clock: first.clock,
      hasCustomerService: false,
    });
    await until(() => second.core.texts.length === 1);
    await first.clock.advance(5_000);
    await first.held(2);
    expect(await outcome(second.adapter.send(first.to, outgoing("from the second")))).toBe("sent");
    await push.ended;
    expect(first.ann.shown).toEqual(["from the second"]);
    expect(second.core.texts).toEqual(["hello"]);
  });

  it("tells who still waits how to get the answer when the program ends", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    await passive.wechat.adapter.stop();
    await push.ended;
    expect(passive.ann.shown).toEqual([STILL_WORKING]);
  });

  it("can still answer what is open once nothing new is taken", async () => {
    await using passive = await connect();
    const push = passive.ann.writes("hello");
    await passive.held(1);
    await passive.wechat.adapter.stopListening();
    await passive.clock.advance(5_000);
    await passive.held(2);
    expect(await passive.send("drained")).toBe("sent");
    await push.ended;
    expect(passive.ann.shown).toEqual(["drained"]);
  });
});
