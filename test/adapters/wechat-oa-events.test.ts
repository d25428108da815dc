import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import { ConnectedWechatOa, until } from "../fakes/wechat-oa/connected-wechat-oa.ts";
import type { Push, WechatPerson } from "../fakes/wechat-oa/wechat-oa-person.ts";

const ANN = "oAnn_0123456789-ABCDEFGHIJKL";
const BOB = "oBob_0123456789-ABCDEFGHIJKL";

type Act = (person: WechatPerson) => Push;

async function handled(wechat: ConnectedWechatOa, push: Push): Promise<void> {
  await push.ended;
  await until(() => wechat.inbox.events.every(({ isHandled }) => isHandled), "handling");
}

describe("what people do", () => {
  it.each<[string, Act, string]>([
    ["a text", (ann) => ann.writes(" 你好 👩‍👩‍👧‍👦 \n"), "你好 👩‍👩‍👧‍👦"],
    ["a spoken text", (ann) => ann.sends("voice", { MediaId: "1", Recognition: "你好" }), "你好"],
    ["following", (ann) => ann.follows(), "/start"],
    ["following by a code", (ann) => ann.follows("ref_42"), "/start ref_42"],
    ["scanning as a follower", (ann) => ann.scans("login-7"), "/start login-7"],
    ["a tap on the menu", (ann) => ann.taps("/balance"), "/balance"],
  ])("reaches the core: %s", async (_, act, text) => {
    await using wechat = await ConnectedWechatOa.start();
    const push = act(wechat.server.person(ANN));
    await handled(wechat, push);
    expect(push.attempts).toEqual([{ status: 200, body: "success" }]);
    const [message] = wechat.core.messages;
    expect(wechat.core.messages).toHaveLength(1);
    expect(message).toMatchObject({
      text,
      address: wechat.address(ANN),
      sender: { platformUserId: ANN, displayName: "", username: null, locale: "zh" },
      isDirect: true,
      isEdit: false,
      quotedText: null,
      attachments: [],
      receivedAt: wechat.clock.now(),
    });
  });

  it.each<[string, Act]>([
    ["a menu entry that opens a page", (ann) => viewing(ann)],
    ["a foreign menu entry", (ann) => ann.taps("balance")],
    ["where they are", (ann) => ann.push({ MsgType: "event", Event: "LOCATION", Latitude: "1" })],
    ["an event nobody knows", (ann) => ann.push({ MsgType: "event", Event: "new_thing" })],
    ["an event without a name", (ann) => ann.push({ MsgType: "event" })],
  ])("is confirmed and ignored: %s", async (_, act) => {
    await using wechat = await ConnectedWechatOa.start();
    const push = act(wechat.server.person(ANN));
    await push.ended;
    expect(push.attempts).toEqual([{ status: 200, body: "success" }]);
    expect(wechat.inbox.events).toEqual([]);
  });

  it.each(["video", "shortvideo", "location", "link", "file", "voice", "anything"])(
    "comes as something that cannot be used: %s",
    async (type) => {
      await using wechat = await ConnectedWechatOa.start();
      const push = wechat.server.person(ANN).sends(type, { MediaId: "1", Title: "t" });
      await handled(wechat, push);
      expect(push.attempts[0]?.body).toBe("success");
      const [message] = wechat.core.messages;
      expect(message).toMatchObject({ text: "", attachments: [{ kind: "other", name: type }] });
      const error = await message?.attachments[0]?.load(1_000).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ party: "wechat-oa", kind: "rejected" });
    },
  );

  it("tells when somebody leaves and comes back", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const ann = wechat.server.person(ANN);
    await handled(wechat, ann.leaves());
    expect(wechat.core.reachable).toEqual([{ openId: ANN, isReachable: false }]);
    expect(wechat.core.messages).toEqual([]);
    await handled(wechat, ann.follows());
    expect(wechat.core.reachable).toEqual([
      { openId: ANN, isReachable: false },
      { openId: ANN, isReachable: true },
    ]);
  });
});

function viewing(person: WechatPerson): Push {
  return person.push({ MsgType: "event", Event: "VIEW", EventKey: "https://example.org/" });
}

describe("what WeChat brings twice", () => {
  it("is handled once: a message, by its id", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const ann = wechat.server.person(ANN);
    const { fields, ended } = ann.writes("once");
    await ended;
    const again = ann.push(fields);
    await again.ended;
    expect(again.attempts).toEqual([{ status: 200, body: "success" }]);
    await handled(wechat, ann.writes("next"));
    expect(wechat.core.texts).toEqual(["once", "next"]);
  });

  it("is handled once: an event, by person, time and kind", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const ann = wechat.server.person(ANN);
    await handled(wechat, ann.taps("/balance"));
    await handled(wechat, ann.taps("/balance"));
    await handled(wechat, ann.taps("/help"));
    await handled(wechat, wechat.server.person(BOB).taps("/balance"));
    await wechat.clock.advance(1_000);
    await handled(wechat, ann.taps("/balance"));
    expect(wechat.core.texts).toEqual(["/balance", "/help", "/balance", "/balance"]);
  });

  it("is handled once after a restart, too", async () => {
    await using first = await ConnectedWechatOa.start();
    const { fields, ended } = first.server.person(ANN).writes("once");
    await ended;
    await until(() => first.core.texts.length === 1);
    const { server, inbox, memory, clock } = first;
    await using second = await ConnectedWechatOa.start({ server, inbox, memory, clock });
    await server.person(ANN).push(fields).ended;
    await handled(second, server.person(ANN).writes("next"));
    expect(second.core.texts).toEqual(["next"]);
  });

  it("does not confuse two messages that say the same", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const ann = wechat.server.person(ANN);
    await handled(wechat, ann.writes("1"));
    await handled(wechat, ann.writes("1"));
    expect(wechat.core.texts).toEqual(["1", "1"]);
    expect(new Set(wechat.core.messages.map(({ id }) => id)).size).toBe(2);
  });
});

describe("a command", () => {
  it("does not wait for the question before it", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const end = new AbortController();
    wechat.core.respond = async ({ text }) => {
      if (text !== "question") return;
      await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
    };
    const ann = wechat.server.person(ANN);
    await ann.writes("question").ended;
    await ann.writes("second").ended;
    await ann.writes("／stop").ended;
    await ann.taps("/new").ended;
    await until(() => wechat.core.texts.includes("/new"));
    expect(wechat.core.texts).toEqual(["question", "／stop", "/new"]);
    end.abort();
    await until(() => wechat.core.texts.includes("second"));
  });
});

describe("a picture", () => {
  const picture = Buffer.from("ffd8ffe000104a464946", "hex");

  it("is fetched when it is wanted, and not before", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const fields = wechat.server.addPicture(picture);
    await handled(wechat, wechat.server.person(ANN).sends("image", fields));
    const [attachment] = wechat.core.messages[0]?.attachments ?? [];
    expect(attachment).toMatchObject({ kind: "image", mediaType: "image/jpeg" });
    expect(wechat.server.calls.map(({ path }) => path)).toEqual(["stable_token"]);
    expect(Buffer.from((await attachment?.load(picture.length)) ?? [])).toEqual(picture);
  });

  it("is refused when it is larger than wanted", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const fields = wechat.server.addPicture(picture);
    await handled(wechat, wechat.server.person(ANN).sends("image", fields));
    const [attachment] = wechat.core.messages[0]?.attachments ?? [];
    await expect(attachment?.load(picture.length - 1)).rejects.toMatchObject({
      code: "attachment_too_large",
    });
  });

  it.each([
    "http://127.0.0.1:1/private",
    "http://example.org/mmbiz.qpic.cn",
    "file:///etc/passwd",
    "https://qpic.cn.example.org/a",
    "not an address",
    "",
  ])("is fetched by its id where its address is not one of WeChat: %s", async (PicUrl) => {
    await using wechat = await ConnectedWechatOa.start();
    const { MediaId } = wechat.server.addPicture(picture);
    await handled(wechat, wechat.server.person(ANN).sends("image", { PicUrl, MediaId }));
    const [attachment] = wechat.core.messages[0]?.attachments ?? [];
    expect(Buffer.from((await attachment?.load(1_000)) ?? [])).toEqual(picture);
    expect(wechat.server.calls.at(-1)?.path).toBe("media/get");
  });

  it("is fetched by its id where its address does not work", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const { PicUrl, MediaId } = wechat.server.addPicture(picture);
    wechat.server.fail(new URL(PicUrl).pathname, "busy");
    await handled(wechat, wechat.server.person(ANN).sends("image", { PicUrl, MediaId }));
    const [attachment] = wechat.core.messages[0]?.attachments ?? [];
    expect(Buffer.from((await attachment?.load(1_000)) ?? [])).toEqual(picture);
  });

  it("is an error of WeChat when it is gone", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const fields = { PicUrl: `${wechat.server.url}/picture/none`, MediaId: "none" };
    await handled(wechat, wechat.server.person(ANN).sends("image", fields));
    const [attachment] = wechat.core.messages[0]?.attachments ?? [];
    const error = await attachment?.load(1_000).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(OutsideError);
    expect(error).toMatchObject({ kind: "rejected" });
  });
});

describe("a message whose handling fails", () => {
  it("is tried again", async () => {
    await using wechat = await ConnectedWechatOa.start();
    wechat.core.failures.push(new Error("not now"));
    await wechat.server.person(ANN).writes("hello").ended;
    await wechat.pass(1_000, 1);
    await until(() => wechat.core.texts.length === 2);
    expect(wechat.core.texts).toEqual(["hello", "hello"]);
  });

  it("tells no text of a person to the log", async () => {
    await using wechat = await ConnectedWechatOa.start();
    wechat.core.failures.push(new Error("not now"));
    await wechat.server.person(ANN).writes("my secret").ended;
    await wechat.pass(1_000, 1);
    await until(() => wechat.inbox.events.every(({ isHandled }) => isHandled));
    expect(JSON.stringify(wechat.log.lines)).not.toContain("my secret");
  });
});
