import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ConnectedWechatOa, until } from "../fakes/wechat-oa/connected-wechat-oa.ts";
import { SERVICE_DOWN } from "../fakes/wechat-oa/wechat-oa-person.ts";

const ANN = "oAnn_0123456789-ABCDEFGHIJKL";
const KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const BODY_BYTES_MAX = 128 * 1024;

function document(fields: Record<string, string> = {}): string {
  const all = {
    ToUserName: "gh_1",
    FromUserName: ANN,
    CreateTime: "1767225600",
    MsgType: "text",
    Content: "hello",
    MsgId: "1",
    ...fields,
  };
  const elements = Object.entries(all).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<xml>${elements.join("")}</xml>`;
}

function sign(wechat: ConnectedWechatOa, secondsFromNow = 0, nonce = "n"): Record<string, string> {
  const timestamp = String(Math.floor(wechat.clock.now().getTime() / 1000) + secondsFromNow);
  const sorted = [wechat.server.token, timestamp, nonce].sort().join("");
  return { signature: createHash("sha1").update(sorted).digest("hex"), timestamp, nonce };
}

async function post(wechat: ConnectedWechatOa, query: Record<string, string>, body: string) {
  const url = `${wechat.url}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

describe("the check of the server", () => {
  it("gives the given word back when it is signed", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const query = new URLSearchParams({ ...sign(wechat), echostr: "7421<b>" });
    const response = await fetch(`${wechat.url}?${query}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("7421<b>");
    expect(response.headers.get("content-type")).toContain("text/plain");
  });

  it.each([
    ["a wrong signature", { signature: "0".repeat(40) }],
    ["an empty one", { signature: "" }],
    ["another nonce", { nonce: "m" }],
    ["another time", { timestamp: "1" }],
    ["an encrypted look", { signature: "", encrypt_type: "aes", msg_signature: "x" }],
  ])("refuses %s", async (_, change) => {
    await using wechat = await ConnectedWechatOa.start();
    const query = new URLSearchParams({ ...sign(wechat), ...change, echostr: "7421" });
    const response = await fetch(`${wechat.url}?${query}`);
    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain("7421");
  });

  it("works before the account is connected, since WeChat asks first", async () => {
    await using wechat = await ConnectedWechatOa.create();
    const query = new URLSearchParams({ ...sign(wechat), echostr: "7421" });
    expect(await (await fetch(`${wechat.url}?${query}`)).text()).toBe("7421");
  });
});

describe.each([
  ["plain", null],
  ["encrypted", KEY],
])("a message, %s", (_, encodingAesKey) => {
  it("is confirmed once it is saved, before anything is done with it", async () => {
    await using wechat = await ConnectedWechatOa.start({ encodingAesKey });
    let isDone = false;
    const end = new AbortController();
    wechat.core.respond = async () => {
      await new Promise((resolve) => end.signal.addEventListener("abort", resolve));
      isDone = true;
    };
    const push = wechat.server.person(ANN).writes("你好 😀 ]]> <b>");
    await push.ended;
    expect(push.attempts).toEqual([{ status: 200, body: "success" }]);
    expect(isDone).toBe(false);
    expect(wechat.inbox.events).toHaveLength(1);
    await until(() => wechat.core.texts.length === 1);
    expect(wechat.core.texts).toEqual(["你好 😀 ]]> <b>"]);
    end.abort();
    await until(() => isDone);
  });

  it("is refused with another token", async () => {
    await using wechat = await ConnectedWechatOa.start({ encodingAesKey, token: "other" });
    const push = wechat.server.person(ANN).writes("hello");
    await push.ended;
    expect(push.attempts[0]?.status).toBe(403);
    expect(wechat.inbox.events).toEqual([]);
  });
});

describe("an encrypted message", () => {
  it("is taken without a signature outside, as some servers post it", async () => {
    await using wechat = await ConnectedWechatOa.start({ encodingAesKey: KEY });
    const { query, body } = wechat.server.person(ANN).signed(document());
    const { signature: _, ...inside } = query;
    expect((await post(wechat, inside, body)).text).toBe("success");
  });

  it.each([
    ["its signature", { msg_signature: "0".repeat(40) }],
    ["the signature outside", { signature: "0".repeat(40) }],
    ["the nonce", { nonce: "1" }],
  ])("is refused when %s does not fit", async (_, change) => {
    await using wechat = await ConnectedWechatOa.start({ encodingAesKey: KEY });
    const { query, body } = wechat.server.person(ANN).signed(document());
    expect((await post(wechat, { ...query, ...change }, body)).status).toBe(403);
    expect(wechat.inbox.events).toEqual([]);
  });

  it("is refused when its content was changed, or meant for another account", async () => {
    await using wechat = await ConnectedWechatOa.start({ encodingAesKey: KEY, appId: "wxother" });
    const { query, body } = wechat.server.person(ANN).signed(document());
    expect((await post(wechat, query, body)).status).toBe(403);
    const changed = body.replace(/Encrypt><!\[CDATA\[./, "Encrypt><![CDATA[/");
    expect((await post(wechat, query, changed)).status).toBe(403);
  });

  it("tells the operator when there is no key for it", async () => {
    await using wechat = await ConnectedWechatOa.start();
    await using other = await ConnectedWechatOa.create({ encodingAesKey: KEY });
    const { query, body } = other.server.person(ANN).signed(document());
    expect((await post(wechat, query, body)).status).toBe(403);
    expect(wechat.adapter.problem).toBe("WeChat sends encrypted messages: set WECHAT_OA_AES_KEY");
  });

  it("is the only kind that is taken when there is a key", async () => {
    await using wechat = await ConnectedWechatOa.start({ encodingAesKey: KEY });
    expect((await post(wechat, sign(wechat), document())).status).toBe(403);
    expect(wechat.inbox.events).toEqual([]);
    expect(wechat.adapter.problem).toContain("not encrypted");
    await wechat.server.person(ANN).writes("hello").ended;
    expect(wechat.adapter.problem).toBeNull();
  });
});

describe("the time of a message", () => {
  it.each([
    [-300, 200],
    [-301, 403],
    [300, 200],
    [301, 403],
  ])("may be %i seconds from ours: %i", async (seconds, status) => {
    await using wechat = await ConnectedWechatOa.start();
    expect((await post(wechat, sign(wechat, seconds), document())).status).toBe(status);
  });

  it.each(["", "x", "1767225600.5", "-1", "99999999999999"])("has to be one: %s", async (text) => {
    await using wechat = await ConnectedWechatOa.start();
    const sorted = [wechat.server.token, text, "n"].sort().join("");
    const signature = createHash("sha1").update(sorted).digest("hex");
    const query = { signature, timestamp: text, nonce: "n" };
    expect((await post(wechat, query, document())).status).toBe(403);
  });
});

describe("a signature", () => {
  it("brings no second message, but the same once more", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const query = sign(wechat);
    expect((await post(wechat, query, document())).status).toBe(200);
    expect((await post(wechat, query, document({ MsgId: "2" }))).status).toBe(403);
    expect((await post(wechat, query, document())).status).toBe(200);
    expect(wechat.inbox.events).toHaveLength(1);
  });

  it("is not remembered longer than it is valid", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const query = sign(wechat, 300);
    expect((await post(wechat, query, document())).status).toBe(200);
    await wechat.clock.advance(600_000);
    expect((await post(wechat, query, document({ MsgId: "2" }))).status).toBe(403);
    await wechat.clock.advance(1_000);
    expect((await post(wechat, query, document({ MsgId: "2" }))).text).toBe("too old");
  });
});

describe("anything else", () => {
  it.each([
    ["no XML", "hello"],
    ["a broken document", "<xml><A></xml>"],
    ["no sender", document().replace(/<FromUserName>.*?<\/FromUserName>/, "")],
    ["two senders", document().replace("<MsgType>", "<FromUserName>b</FromUserName><MsgType>")],
    ["a sender that is none", document({ FromUserName: "a b" })],
    ["no time", document({ CreateTime: "yesterday" })],
    ["nothing", ""],
    ["declared types", `<!DOCTYPE xml>${document()}`],
    ["declared entities", `<!DOCTYPE x [<!ENTITY a "b">]>${document({ Content: "&a;" })}`],
  ])("is refused: %s", async (_, body) => {
    await using wechat = await ConnectedWechatOa.start();
    expect((await post(wechat, sign(wechat), body)).status).toBe(400);
    expect(wechat.inbox.events).toEqual([]);
  });

  it("is refused when it is huge, one byte above the limit", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const empty = document({ Content: "" }).length;
    const fitting = document({ Content: "x".repeat(BODY_BYTES_MAX - empty) });
    expect((await post(wechat, sign(wechat), fitting)).status).toBe(200);
    expect((await post(wechat, sign(wechat), `${fitting} `)).status).toBe(413);
    const [route] = wechat.adapter.routes;
    const request = new Request(`${wechat.url}?${new URLSearchParams(sign(wechat))}`, {
      method: "POST",
      body: `${fitting} `,
    });
    const closing = new AbortController().signal;
    expect((await route?.handle(request, { remoteAddress: "", closing }))?.status).toBe(413);
  });

  it.each(["PUT", "DELETE", "PATCH"])("is refused by %s", async (method) => {
    await using wechat = await ConnectedWechatOa.start();
    const url = `${wechat.url}?${new URLSearchParams(sign(wechat))}`;
    expect((await fetch(url, { method })).status).toBe(405);
  });
});

describe("a message that cannot be taken", () => {
  it("is saved as soon as the database is back, if it comes back in time", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const save = wechat.inbox.save.bind(wechat.inbox);
    wechat.inbox.save = () => Promise.reject(new Error("database is away"));
    const push = wechat.server.person(ANN).writes("hello");
    // One waits for the database, one counts WeChat's five seconds.
    await wechat.pass(500, 2);
    wechat.inbox.save = save;
    await wechat.pass(250, 2);
    await push.ended;
    expect(push.attempts).toEqual([{ status: 200, body: "success" }]);
    await until(() => wechat.core.texts.length === 1);
  });

  it("is refused before WeChat hangs up, so that the person knows", async () => {
    await using wechat = await ConnectedWechatOa.start();
    wechat.inbox.save = () => Promise.reject(new Error("database is away"));
    const person = wechat.server.person(ANN);
    const push = person.writes("hello");
    await wechat.pass(4_000, 2);
    await push.ended;
    expect(push.attempts).toEqual([{ status: 503, body: "try again" }]);
    expect(person.shown).toEqual([SERVICE_DOWN]);
  });

  it("is not confirmed before we start and after we stopped", async () => {
    await using wechat = await ConnectedWechatOa.create();
    const before = wechat.server.person(ANN).writes("before");
    await before.ended;
    await wechat.adapter.start(wechat.core);
    await wechat.adapter.stopListening();
    const after = wechat.server.person(ANN).writes("after");
    await after.ended;
    expect([before, after].map(({ attempts }) => attempts[0]?.status)).toEqual([503, 503]);
    expect(wechat.inbox.events).toEqual([]);
  });

  it("is found again after a crash", async () => {
    await using first = await ConnectedWechatOa.start();
    first.core.failures.push(new Error("crash"));
    await first.server.person(ANN).writes("hello").ended;
    await until(() => first.core.texts.length === 1);
    const { server, inbox, memory, clock } = first;
    await using second = await ConnectedWechatOa.start({ server, inbox, memory, clock });
    await until(() => second.core.texts.length === 1);
    expect(second.core.texts).toEqual(["hello"]);
  });
});
