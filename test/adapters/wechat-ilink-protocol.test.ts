import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { IlinkMessage } from "../../src/adapters/wechat/ilink/ilink-answers.ts";
import { ILINK_CAPABILITIES } from "../../src/adapters/wechat/ilink/ilink-capabilities.ts";
import { IlinkClient } from "../../src/adapters/wechat/ilink/ilink-client.ts";
import { parseIlinkJson } from "../../src/adapters/wechat/ilink/ilink-json.ts";
import { IlinkLoginApi } from "../../src/adapters/wechat/ilink/ilink-login-api.ts";
import { IlinkMediaStore } from "../../src/adapters/wechat/ilink/ilink-media.ts";
import { readParts } from "../../src/adapters/wechat/ilink/ilink-message.ts";
import { isTrustedAddress } from "../../src/adapters/wechat/ilink/ilink-origin.ts";
import { PuppetIlink } from "../../src/adapters/wechat/ilink/ilink-puppet.ts";
import { readQuotation } from "../../src/adapters/wechat/wechat-message.ts";
import { IlinkServer } from "../fakes/wechat/ilink-server.ts";

describe("parseIlinkJson", () => {
  it("keeps every digit of every integer", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 64n), 2n ** 64n), (id) => {
        const { id: read } = parseIlinkJson(`{"id":${id}}`) as { id: unknown };
        expect(String(read)).toBe(String(id));
      }),
    );
  });

  it("reads everything else as JSON does", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value);
        const plain: unknown = JSON.parse(text);
        fc.pre(!/\d{16}/.test(text) && !/e\+?\d{2}/.test(text));
        expect(parseIlinkJson(text)).toEqual(plain);
      }),
      { numRuns: 50 },
    );
  });

  it("changes no digits inside of texts", () => {
    const text = '{"text":"\\"message_id\\": 18446744073709551615","n":9007199254740991,"f":1e300}';
    expect(parseIlinkJson(text)).toEqual(JSON.parse(text));
  });
});

describe("isTrustedAddress", () => {
  const tencent = "https://ilinkai.weixin.qq.com";
  const here = "http://127.0.0.1:4000";

  it.each([
    ["https://ilinkai.weixin.qq.com/x", tencent],
    ["https://novac2c.cdn.weixin.qq.com", tencent],
    ["https://weixin.qq.com", tencent],
    ["http://127.0.0.1:4001", here],
    ["http://localhost:1", here],
    ["https://szilink.weixin.qq.com", here],
  ])("trusts %s from %s", (address, base) => {
    expect(isTrustedAddress(address, base)).toBe(true);
  });

  it.each([
    ["http://ilinkai.weixin.qq.com", tencent],
    ["https://ilinkai.weixin.qq.com:8443", tencent],
    ["https://evilweixin.qq.com", tencent],
    ["https://weixin.qq.com.evil.example", tencent],
    ["https://user:pass@ilinkai.weixin.qq.com", tencent],
    ["https://evil.example#ilinkai.weixin.qq.com", tencent],
    ["http://127.0.0.1:4000", tencent],
    ["http://127.0.0.1.evil.example", here],
    ["file:///etc/passwd", here],
    ["ftp://127.0.0.1", here],
    ["not an address", here],
    ["", here],
  ])("does not trust %s from %s", (address, base) => {
    expect(isTrustedAddress(address, base)).toBe(false);
  });
});

describe("the calls to iLink", () => {
  let server: IlinkServer;

  beforeEach(async () => {
    server = await IlinkServer.start({ holdMs: 10 });
  });

  afterEach(async () => {
    await server.stop();
  });

  const never = new AbortController().signal;

  async function connected(): Promise<IlinkClient> {
    const api = new IlinkLoginApi(server.url);
    const { id } = await api.createCode([], never);
    const [code] = server.codes;
    if (code === undefined) throw new Error("unreachable");
    const token = server.confirm(code, server.addPerson("zhang"));
    expect(await api.readStatus(server.url, id, null, never)).toMatchObject({
      status: "confirmed",
      bot_token: token,
      ilink_user_id: "zhang@im.wechat",
    });
    return new IlinkClient(`${server.url}/`, token);
  }

  it("say who asks, as Tencent's client does", async () => {
    const client = await connected();
    await client.announceStart(never);
    await client.readUpdates("", never);
    await client.announceStop();
    expect(server.faults).toEqual([]);
    expect(server.callsOf("getupdates")[0]?.body).toEqual({
      get_updates_buf: "",
      base_info: { channel_version: "2.4.9", bot_agent: "Dianka/0.1.0" },
    });
  });

  it("fail when iLink says so with HTTP 200, whatever field it says it in", async () => {
    const client = await connected();
    server.failNext("getupdates", { ret: -3 });
    await expect(client.readUpdates("", never)).rejects.toMatchObject({ code: -3 });
    server.expireToken(server.people[0] ?? server.addPerson("nobody"));
    await expect(client.readUpdates("", never)).rejects.toMatchObject({
      code: -14,
      isStaleToken: true,
    });
  });

  it("fail without the token in any error", async () => {
    const client = new IlinkClient(server.url, "secret-token");
    await server.cut();
    const error = await client.readUpdates("", never).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret-token");
    expect(error).toMatchObject({ kind: "unreachable", party: "wechat" });
  });
});

describe("files of iLink", () => {
  it("are read with the key of a picture and with that of a file", async () => {
    const server = await IlinkServer.start();
    const store = new IlinkMediaStore(server.url, false);
    const content = Buffer.from("内容");
    for (const kind of ["image", "file"] as const) {
      const media = { full_url: "", ...server.put(content, kind) };
      expect(await store.download(media, "", 100)).toEqual(content);
    }
    const media = { full_url: "", ...server.put(content, "image") };
    const hexKey = Buffer.from(media.aes_key, "base64").toString("hex");
    expect(await store.download({ ...media, aes_key: "" }, hexKey, 100)).toEqual(content);
    await server.stop();
  });

  it("are refused at the first byte too many", async () => {
    const server = await IlinkServer.start();
    const store = new IlinkMediaStore(server.url, false);
    const media = { full_url: "", ...server.put(Buffer.alloc(100), "file") };
    expect((await store.download(media, "", 100)).length).toBe(100);
    await expect(store.download(media, "", 99)).rejects.toMatchObject({
      code: "attachment_too_large",
    });
    const wrongKey = { ...media, aes_key: Buffer.alloc(16).toString("base64") };
    await expect(store.download(wrongKey, "", 100)).rejects.toMatchObject({ kind: "rejected" });
    const foreign = { ...media, full_url: "https://evil.example/steal" };
    expect((await store.download(foreign, "", 100)).length).toBe(100);
    await server.stop();
  });
});

describe("PuppetIlink", () => {
  it("has every method that wechaty may call", async () => {
    const { Puppet } = await import("wechaty-puppet");
    const { PuppetMock } = await import("wechaty-puppet-mock");
    const names = Object.getOwnPropertyNames(PuppetMock.prototype).filter(
      (name) => !name.startsWith("_") && name !== "constructor",
    );
    expect(names.length).toBeGreaterThan(50);
    const missing = names.filter((name) => !(name in PuppetIlink.prototype));
    expect(missing).toEqual([]);
    expect(PuppetIlink.prototype).toBeInstanceOf(Puppet);
  });

  it("refuses what iLink has not", async () => {
    const refuse = PuppetIlink.prototype.roomTopic as (id: string) => Promise<string>;
    await expect(refuse("room")).rejects.toThrow(/not supported/);
  });
});

describe("quotations", () => {
  it("come out as they went in", () => {
    const message = IlinkMessage.parse({
      message_id: "1",
      from_user_id: "a",
      message_type: 1,
      item_list: [
        { type: 1, text_item: { text: "and\nthis?" }, ref_msg: { title: "first\nsecond" } },
      ],
    });
    const [part] = readParts(message);
    expect(readQuotation(part?.text ?? "", [])).toEqual({
      text: "and\nthis?",
      quotedText: "first\nsecond",
    });
  });
});

describe("ILINK_CAPABILITIES", () => {
  it("stay below what iLink refuses", () => {
    expect(ILINK_CAPABILITIES.textLengthMax).toBeLessThanOrEqual(4_000);
    expect(ILINK_CAPABILITIES.sendsPerMessageMax).toBeLessThan(10);
    expect(ILINK_CAPABILITIES).toMatchObject({ edit: null, groups: false, plainCommands: true });
  });
});
