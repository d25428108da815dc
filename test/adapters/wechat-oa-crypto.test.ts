import { WecomCrypto } from "@wecom/aibot-node-sdk";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isSameText,
  MessageCipher,
  signValues,
} from "../../src/adapters/wechat-oa/wechat-oa-crypto.ts";
import { parseXml } from "../../src/adapters/wechat-oa/wechat-oa-xml.ts";

/** The example of https://developer.work.weixin.qq.com/document/path/90307 */
const EXAMPLE = {
  token: "QDG6eK",
  account: "wx5823bf96d3bd56c7",
  key: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
};
const ECHO =
  "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
const MESSAGE =
  "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==";

const KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APP_ID = "wxb11529c136998cb6";

describe("the examples WeChat publishes", () => {
  const cipher = new MessageCipher(EXAMPLE.key, EXAMPLE.account);

  it("verify an address", () => {
    expect(signValues(EXAMPLE.token, "1409659589", "263014780", ECHO)).toBe(
      "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
    );
    expect(cipher.decrypt(ECHO)).toBe("1616140317555161061");
  });

  it("bring a message", () => {
    expect(signValues(EXAMPLE.token, "1409659813", "1372623149", MESSAGE)).toBe(
      "477715d11cdb4164915debcba66cb864d751f3e6",
    );
    expect(parseXml(cipher.decrypt(MESSAGE) ?? "")).toMatchObject({
      MsgType: "text",
      Content: "hello",
      MsgId: "4561255354251345929",
    });
  });

  it("encrypt a text of an official account", () => {
    const account = new MessageCipher(KEY, APP_ID);
    const encrypted =
      "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==";
    expect(account.encrypt("我是中文abcd123", Buffer.from("aaaabbbbccccdddd"))).toBe(encrypted);
    expect(account.decrypt(encrypted)).toBe("我是中文abcd123");
  });

  it("sign a page for the script library", () => {
    const page =
      "jsapi_ticket=sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg&noncestr=Wm3WZYTPz0wzccnW&timestamp=1414587457&url=http://mp.weixin.qq.com?params=value";
    expect(signValues(page)).toBe("0f9de62fce790f9a083d5c99e95740ceb90c27ed");
  });
});

describe("MessageCipher", () => {
  const cipher = new MessageCipher(KEY, APP_ID);
  const tencent = new WecomCrypto("token", KEY, APP_ID);

  it("understands Tencent's own library, and is understood by it, at every length", () => {
    for (let length = 0; length <= 200; length += 1) {
      const text = "x".repeat(length);
      expect(cipher.decrypt(tencent.encrypt(text, "1", "2").encrypt)).toBe(text);
      expect(tencent.decrypt(cipher.encrypt(text))).toBe(text);
    }
  });

  it("gives back any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(cipher.decrypt(cipher.encrypt(text))).toBe(text);
      }),
    );
  });

  it("encrypts the same text differently each time", () => {
    expect(cipher.encrypt("hello")).not.toBe(cipher.encrypt("hello"));
  });

  it("refuses what was encrypted for another account, even one with a longer name", () => {
    expect(new MessageCipher(KEY, "wxb11529c136998cb7").decrypt(cipher.encrypt("x"))).toBeNull();
    expect(cipher.decrypt(new MessageCipher(KEY, `${APP_ID}x`).encrypt("x"))).toBeNull();
  });

  it("never throws, and takes nothing, for bytes that nobody encrypted", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(cipher.decrypt(Buffer.from(bytes).toString("base64"))).toBeNull();
      }),
    );
    expect(cipher.decrypt("")).toBeNull();
    expect(cipher.decrypt("not base64 !")).toBeNull();
  });

  it.each([KEY.slice(1), `${KEY}H`, ""])("refuses a key of the wrong length: %s", (key) => {
    expect(() => new MessageCipher(key, APP_ID)).toThrow("EncodingAESKey");
  });
});

describe("isSameText", () => {
  it("holds for equal texts only", () => {
    expect(isSameText("abc", "abc")).toBe(true);
    expect(isSameText("abc", "abd")).toBe(false);
    expect(isSameText("abc", "abcd")).toBe(false);
    expect(isSameText("", "abc")).toBe(false);
  });
});
