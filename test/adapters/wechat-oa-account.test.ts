import { describe, expect, it } from "vitest";
import { WechatOaLinkPictures } from "../../src/adapters/wechat-oa/wechat-oa-link-pictures.ts";
import { SecretBox } from "../../src/core/upstream/secret-box.ts";
import { ConnectedWechatOa, outgoing, until } from "../fakes/wechat-oa/connected-wechat-oa.ts";

const ANN = "oAnn_0123456789-ABCDEFGHIJKL";
const BOB = "oBob_0123456789-ABCDEFGHIJKL";
const MINUTE_MS = 60_000;
const MENU = { newChat: "新对话", account: "我的", balance: "余额", buy: "充值", help: "帮助" };

async function writtenTo(wechat: ConnectedWechatOa): Promise<void> {
  const count = wechat.core.texts.length;
  await wechat.server.person(ANN).writes("hello").ended;
  await until(() => wechat.core.texts.length > count);
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => null,
    (error: unknown) => error,
  );
}

describe("the access token", () => {
  it("is fetched once for many calls, and lies sealed in the memory", async () => {
    await using wechat = await ConnectedWechatOa.start();
    await writtenTo(wechat);
    const to = wechat.address(ANN);
    await Promise.all(["a", "b", "c"].map((text) => wechat.adapter.send(to, outgoing(text))));
    expect(wechat.server.callsOf("stable_token")).toEqual([
      {
        grant_type: "client_credential",
        appid: wechat.server.appId,
        secret: wechat.server.appSecret,
        force_refresh: false,
      },
    ]);
    const kept = (await wechat.memory.read("access-token")) ?? "";
    expect(SecretBox.isSealed(kept)).toBe(true);
    expect(kept).not.toContain(wechat.server.state.tokens[0]?.token ?? "");
    expect(JSON.stringify(wechat.log.lines)).not.toContain(
      wechat.server.state.tokens[0]?.token ?? "",
    );
  });

  it("is shared with other processes", async () => {
    await using first = await ConnectedWechatOa.start();
    const { server, inbox, memory, clock } = first;
    await using second = await ConnectedWechatOa.start({ server, inbox, memory, clock });
    expect(second.adapter.problem).toBeNull();
    expect(server.callsOf("stable_token")).toHaveLength(1);
  });

  it("is fetched anew when the kept one was sealed with another key", async () => {
    await using first = await ConnectedWechatOa.start();
    const { server, memory, clock } = first;
    const box = new SecretBox("another key");
    await using second = await ConnectedWechatOa.start({ server, memory, clock, box });
    expect(second.adapter.problem).toBeNull();
    expect(server.callsOf("stable_token")).toHaveLength(2);
  });

  it("is renewed shortly before it expires, not earlier", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const call = () => wechat.adapter.createSceneQr("x", 60);
    await wechat.clock.advance(116 * MINUTE_MS - 1);
    await call();
    expect(wechat.server.callsOf("stable_token")).toHaveLength(1);
    await wechat.clock.advance(1);
    await Promise.all([call(), call(), call()]);
    expect(wechat.server.callsOf("stable_token")).toHaveLength(2);
    expect(wechat.server.state.tokens).toHaveLength(2);
  });

  it("is replaced when WeChat does not take it any more, once for all who wait", async () => {
    await using wechat = await ConnectedWechatOa.start();
    await writtenTo(wechat);
    const to = wechat.address(ANN);
    wechat.server.state.revokeTokens();
    await Promise.all(["a", "b", "c"].map((text) => wechat.adapter.send(to, outgoing(text))));
    expect([...wechat.server.person(ANN).shown].sort()).toEqual(["a", "b", "c"]);
    expect(wechat.server.callsOf("stable_token")).toHaveLength(2);
    expect(await wechat.adapter.sendsLeft(to)).toBe(2);
  });

  it("is replaced by force when WeChat gives out the very one that it refuses", async () => {
    await using wechat = await ConnectedWechatOa.start();
    wechat.server.fail("qrcode/create", { code: 40001 });
    await wechat.adapter.createSceneQr("x", 60);
    const forced = wechat.server.callsOf("stable_token").map((body) => {
      return (body as { force_refresh: boolean }).force_refresh;
    });
    expect(forced).toEqual([false, false, true]);
  });

  it("of another process is tried before a new one is fetched", async () => {
    await using first = await ConnectedWechatOa.start();
    const { server, inbox, memory, clock } = first;
    await using second = await ConnectedWechatOa.start({ server, inbox, memory, clock });
    server.state.revokeTokens();
    await first.adapter.createSceneQr("x", 60);
    await second.adapter.createSceneQr("x", 60);
    expect(server.callsOf("stable_token")).toHaveLength(2);
  });

  it("is asked for no more than once again in one call", async () => {
    await using wechat = await ConnectedWechatOa.start();
    wechat.server.fail("qrcode/create", { code: 40001 }, 2);
    const error = await failure(wechat.adapter.createSceneQr("x", 60));
    expect(error).toMatchObject({ kind: "unauthorized", retryable: false });
    expect(wechat.server.callsOf("qrcode/create")).toHaveLength(2);
  });
});

describe("the problem operators read", () => {
  it("names our address when it is not on the list, until it is", async () => {
    await using wechat = await ConnectedWechatOa.create();
    wechat.server.state.settings.isAddressAllowed = false;
    expect(wechat.adapter.problem).toBe("WeChat is not connected yet");
    await wechat.adapter.start(wechat.core);
    expect(wechat.adapter.problem).toBe(
      "WeChat refuses our IP address 203.0.113.7: add it to the account's IP allow-list",
    );
    wechat.server.state.settings.isAddressAllowed = true;
    await wechat.pass(1_000, 1);
    await until(() => wechat.adapter.problem === null);
  });

  it("names it, too, when the address changed later", async () => {
    await using wechat = await ConnectedWechatOa.start();
    await writtenTo(wechat);
    wechat.server.state.settings.isAddressAllowed = false;
    const error = await failure(wechat.adapter.send(wechat.address(ANN), outgoing("x")));
    expect(error).toMatchObject({ kind: "unauthorized" });
    expect(wechat.adapter.problem).toContain("203.0.113.7");
    wechat.server.state.settings.isAddressAllowed = true;
    await wechat.adapter.send(wechat.address(ANN), outgoing("x"));
    expect(wechat.adapter.problem).toBeNull();
  });

  it.each([{ appSecret: "wrong" }, { appId: "wxwrong" }])(
    "names wrong credentials: %o",
    async (wrong) => {
      await using wechat = await ConnectedWechatOa.start(wrong);
      expect(wechat.adapter.problem).toContain("WECHAT_OA_APP_ID and WECHAT_OA_APP_SECRET");
    },
  );

  it("says that WeChat cannot be reached, while messages come in all the same", async () => {
    await using wechat = await ConnectedWechatOa.create();
    wechat.server.fail("stable_token", "cut", 2);
    await wechat.adapter.start(wechat.core);
    expect(wechat.adapter.problem).toBe("WeChat cannot be reached");
    await wechat.server.person(ANN).writes("hello").ended;
    await until(() => wechat.core.texts.length === 1);
    await wechat.pass(1_000, 1);
    await wechat.pass(2_000, 1);
    await until(() => wechat.adapter.problem === null);
  });

  it("says that saved messages cannot be read, and goes on trying", async () => {
    await using wechat = await ConnectedWechatOa.create();
    const list = wechat.inbox.listUnhandled.bind(wechat.inbox);
    wechat.inbox.listUnhandled = () => Promise.reject(new Error("database is away"));
    await wechat.adapter.start(wechat.core);
    expect(wechat.adapter.problem).toContain("database");
    wechat.inbox.listUnhandled = list;
    await wechat.pass(1_000, 1);
    await until(() => wechat.adapter.problem === null);
  });

  it("is none for a refusal that is about one call", async () => {
    await using wechat = await ConnectedWechatOa.start();
    wechat.server.fail("qrcode/create", { code: 45009 });
    expect(await failure(wechat.adapter.createSceneQr("x", 60))).toMatchObject({
      kind: "rate_limited",
    });
    expect(wechat.adapter.problem).toBeNull();
  });
});

describe("the menu", () => {
  it("is published with commands behind it, once", async () => {
    await using first = await ConnectedWechatOa.start({ menu: MENU });
    await until(() => first.server.state.menu !== null);
    expect(first.server.state.menu).toEqual({
      button: [
        { type: "click", name: "新对话", key: "/new" },
        {
          name: "我的",
          sub_button: [
            { type: "click", name: "余额", key: "/balance" },
            { type: "click", name: "充值", key: "/buy" },
          ],
        },
        { type: "click", name: "帮助", key: "/help" },
      ],
    });
    await first.adapter.stop();
    const { server, inbox, memory, clock } = first;
    const next = { server, inbox, memory, clock };
    await using second = await ConnectedWechatOa.start({ ...next, menu: MENU });
    await second.adapter.stop();
    expect(server.callsOf("menu/create")).toHaveLength(1);
    await using third = await ConnectedWechatOa.start({ ...next, menu: { ...MENU, help: "?" } });
    await third.adapter.stop();
    expect(server.callsOf("menu/create")).toHaveLength(2);
  });

  it("has names as long as WeChat allows", async () => {
    const menu = { ...MENU, newChat: "a new conversation", balance: "余".repeat(21) };
    await using wechat = await ConnectedWechatOa.start({ menu });
    await until(() => wechat.server.state.menu !== null);
    expect(JSON.stringify(wechat.server.state.menu)).toContain('"a new convers…"');
  });

  it("stays as it is where none is given", async () => {
    await using wechat = await ConnectedWechatOa.start();
    await wechat.adapter.stop();
    expect(wechat.server.callsOf("menu/create")).toEqual([]);
  });

  it("is no reason not to work when WeChat refuses it", async () => {
    await using wechat = await ConnectedWechatOa.create({ menu: MENU });
    wechat.server.fail("menu/create", { code: 48001 });
    await wechat.adapter.start(wechat.core);
    await until(() => wechat.log.lines.some(({ sentence }) => sentence === "menu not published"));
    expect(wechat.adapter.problem).toBeNull();
  });
});

describe("a QR code with a scene", () => {
  it("brings who scans it as /start with the scene", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const code = await wechat.adapter.createSceneQr("login-1+a/b", 600);
    expect(code.url).toBe("http://weixin.qq.com/q/login-1%2Ba%2Fb");
    expect(new URL(code.pictureUrl).searchParams.get("ticket")).toBe(code.ticket);
    expect(wechat.server.callsOf("qrcode/create")).toEqual([
      {
        action_name: "QR_STR_SCENE",
        expire_seconds: 600,
        action_info: { scene: { scene_str: "login-1+a/b" } },
      },
    ]);
    await wechat.server.person(ANN).follows("login-1+a/b").ended;
    await until(() => wechat.core.texts.length === 1);
    expect(wechat.core.texts).toEqual(["/start login-1+a/b"]);
  });

  it("enters a link code, which is kept nowhere", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const { clock, log } = wechat;
    const createSceneQr = (scene: string, seconds: number) =>
      wechat.adapter.createSceneQr(scene, seconds);
    const pictures = new WechatOaLinkPictures({ createSceneQr, clock, log });
    const url = await pictures.create("7K3M9QX2", 600_000);
    expect(url).toContain("https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=");
    expect(wechat.server.callsOf("qrcode/create")).toEqual([
      {
        action_name: "QR_STR_SCENE",
        expire_seconds: 600,
        action_info: { scene: { scene_str: "link_7K3M9QX2" } },
      },
    ]);
    await wechat.server.person(ANN).follows("link_7K3M9QX2").ended;
    await wechat.server.person(BOB).scans("link_7K3M9QX2").ended;
    await until(() => wechat.core.texts.length === 2);
    expect(wechat.core.texts).toEqual(["/link scanned 7K3M9QX2", "/link scanned 7K3M9QX2"]);
    const ids = wechat.core.messages.map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect(ids.join() + JSON.stringify([...(await wechat.memory.list(""))])).not.toContain(
      "7K3M9QX2",
    );
  });

  it("is done without where WeChat refuses it or takes too long", async () => {
    await using wechat = await ConnectedWechatOa.start();
    const { clock, log } = wechat;
    const createSceneQr = (scene: string, seconds: number) =>
      wechat.adapter.createSceneQr(scene, seconds);
    wechat.server.fail("qrcode/create", { code: 48001 });
    const refused = new WechatOaLinkPictures({ createSceneQr, clock, log });
    expect(await refused.create("7K3M9QX2", 600_000)).toBeNull();
    const never = new WechatOaLinkPictures({
      createSceneQr: () => new Promise(() => {}),
      clock,
      log,
    });
    const made = never.create("7K3M9QX2", 600_000);
    await clock.advance(3_000);
    expect(await made).toBeNull();
  });

  it("can be one that never ends", async () => {
    await using wechat = await ConnectedWechatOa.start();
    await wechat.adapter.createSceneQr("ref_42", null);
    expect(wechat.server.callsOf("qrcode/create")).toEqual([
      { action_name: "QR_LIMIT_STR_SCENE", action_info: { scene: { scene_str: "ref_42" } } },
    ]);
  });

  it.each([
    ["x", 60, true],
    ["x", 59, false],
    ["x", 2_592_000, true],
    ["x", 2_592_001, false],
    ["x".repeat(64), 60, true],
    ["x".repeat(65), 60, false],
    ["", 60, false],
    ["a b", 60, false],
    ["中", 60, false],
    ["x", Number.NaN, false],
  ])("is made for the scene %s and %s seconds: %s", async (scene, seconds, isMade) => {
    await using wechat = await ConnectedWechatOa.start();
    const error = await failure(wechat.adapter.createSceneQr(scene, seconds));
    if (isMade) expect(error).toBeNull();
    else expect(error).toBeInstanceOf(RangeError);
  });
});
