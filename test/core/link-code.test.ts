import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createLinkCode,
  createLinkCodeHmac,
  formatLinkCode,
  parseLinkCode,
} from "../../src/core/account/link-code.ts";
import { createCodes, looksLikeCode } from "../../src/core/cards/card-code.ts";

const symbol = fc.constantFrom(..."0123456789ABCDEFGHJKMNPQRSTVWXYZ");
const code = fc.string({ unit: symbol, minLength: 8, maxLength: 8 });

describe("A link code", () => {
  it("is read however it is typed", () => {
    fc.assert(
      fc.property(code, (made) => {
        for (const typed of [
          made,
          formatLinkCode(made),
          made.toLowerCase(),
          ` ${made.slice(0, 4)} – ${made.slice(4)}\r`,
          made.replaceAll("0", "o").replaceAll("1", "l"),
        ]) {
          expect(parseLinkCode(typed)).toBe(made);
        }
      }),
    );
  });

  it("reads from a Chinese keyboard", () => {
    expect(parseLinkCode("ＡＢＣＤ－１２３４")).toBe("ABCD1234");
  });

  it.each(["", "ABCD123", "ABCD12345", "ABCD-123U", "A".repeat(10_000), "你好你好你好你好"])(
    "is not %j",
    (typed) => {
      expect(parseLinkCode(typed)).toBeNull();
    },
  );

  it("is never taken for a card's code, nor a card's for it", () => {
    fc.assert(
      fc.property(code, (made) => {
        expect(looksLikeCode(made)).toBe(false);
        expect(looksLikeCode(formatLinkCode(made))).toBe(false);
      }),
    );
    for (const card of createCodes("DKA7", 20)) expect(parseLinkCode(card)).toBeNull();
  });

  it("is new each time", () => {
    const codes = Array.from({ length: 1_000 }, createLinkCode);
    expect(new Set(codes).size).toBe(1_000);
    for (const made of codes) expect(parseLinkCode(made)).toBe(made);
  });

  it("is kept as something that differs with the key", () => {
    const [one, two] = [1, 2].map((byte) => createLinkCodeHmac(new Uint8Array(32).fill(byte)));
    expect(one?.("ABCD1234")).toEqual(one?.("ABCD1234"));
    expect(one?.("ABCD1234")).not.toEqual(two?.("ABCD1234"));
    expect(one?.("ABCD1234")).not.toEqual(one?.("ABCD1235"));
  });
});
