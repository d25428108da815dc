import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prefixOf } from "../../src/core/cards/card-batch.ts";
import {
  checkSymbols,
  createCardPepper,
  createCodes,
  formatCode,
  isCode,
  looksLikeCode,
  maskCode,
  normaliseCode,
} from "../../src/core/cards/card-code.ts";

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE = "11M7JN20EF930BCTDTA327TYJW";
const code = fc.integer({ min: 0, max: 1_000 }).map(() => createCodes("DKA7", 1)[0] ?? "");

describe("A card code", () => {
  it("has the check symbols of the reference", () => {
    expect(checkSymbols("0123456789ABCDEFGHJK")).toBe("V0");
    expect(isCode(CODE)).toBe(true);
  });

  it("is hashed as in the reference, without its check symbols", () => {
    const pepper = createCardPepper(3, new Uint8Array(32).fill(7));
    const normalised = normaliseCode("LLM7-0123456789ABCDEFGHJK");
    expect(normalised).toBe("11M70123456789ABCDEFGHJK");
    const hmac = "cd22d54462264f2f0765a14c5b7b460da4bb18b59593883f7e2cd0d1d679c621";
    expect(Buffer.from(pepper.hmac(normalised)).toString("hex")).toBe(hmac);
    expect(Buffer.from(pepper.hmac(`${normalised}V0`)).toString("hex")).toBe(hmac);
    expect(pepper.version).toBe(3);
  });

  it("is made of its prefix, 20 random symbols and the check", () => {
    const codes = createCodes("DKA7", 2_000);
    expect(new Set(codes).size).toBe(2_000);
    for (const made of codes) {
      expect(made).toMatch(/^DKA7[0-9A-HJKMNP-TV-Z]{22}$/);
      expect(isCode(made)).toBe(true);
    }
    const seen = new Set(codes.flatMap((made) => [...made.slice(4, 24)]));
    expect([...seen].sort().join("")).toBe(SYMBOLS);
  });

  it("shows every single slip and every swap of neighbours in its secret", () => {
    fc.assert(
      fc.property(code, fc.integer({ min: 4, max: 23 }), fc.nat(30), (made, place, shift) => {
        const old = made.charAt(place);
        const other = SYMBOLS.charAt((SYMBOLS.indexOf(old) + 1 + shift) % 32);
        expect(isCode(made.slice(0, place) + other + made.slice(place + 1))).toBe(false);
        const next = made.charAt(place + 1);
        const swapped = made.slice(0, place) + next + old + made.slice(place + 2);
        if (place < 23 && next !== old) expect(isCode(swapped)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("normaliseCode", () => {
  it.each([
    ["lower case", "11m7jn20ef930bctdta327tyjw"],
    ["groups with dashes", "LLM7-JN20-EF93-0BCT-DTA3-27TY-JW"],
    ["a carriage return", `${CODE}\r\n`],
    ["spaces of every kind", "11M7 JN20\u00a0EF93\u30000BCT\tDTA3\u200927TY JW"],
    ["dashes of every kind", "11M7‐JN20‑EF93–0BCT—DTA3−27TY－JW"],
    ["the long vowel and the one for a dash", "11M7ーJN20一EF93〜0BCTDTA327TYJW"],
    ["dots", "11M7.JN20·EF93。0BCT・DTA3•27TY．JW"],
    ["underscores", "11M7_JN20＿EF930BCTDTA327TYJW"],
    ["full width", "１１Ｍ７ＪＮ２０ＥＦ９３０ＢＣＴＤＴＡ３２７ＴＹＪＷ"],
    ["look-alikes", "iLM7JN2oEF93OBCTDTA327TYJW"],
    ["characters without width", "\ufeff11M7\u200bJN20\u200dEF93\u00ad0BCT\u2060DTA327TYJW\u200f"],
  ])("reads a code with %s", (_what, typed) => {
    expect(normaliseCode(typed)).toBe(CODE);
    expect(looksLikeCode(typed)).toBe(true);
  });

  it("changes nothing about a code as it is made and printed", () => {
    fc.assert(
      fc.property(code, (made) => {
        expect(normaliseCode(made)).toBe(made);
        expect(normaliseCode(formatCode(made).toLowerCase())).toBe(made);
      }),
    );
  });
});

describe("looksLikeCode", () => {
  it.each([
    "",
    "hello",
    `${CODE} please`,
    `code: ${CODE}`,
    CODE.slice(0, -1),
    `${CODE}0`,
    `${CODE.slice(0, -1)}X`,
    `${CODE}${CODE}`,
    "00000000000000000000000001",
    " ".repeat(300) + CODE,
  ])("is not taken in by %j", (text) => {
    expect(looksLikeCode(text)).toBe(false);
  });

  it("takes no sentence for a code", () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 8 }), (text) => {
        expect(looksLikeCode(text)).toBe(false);
      }),
    );
  });
});

describe("formatCode and maskCode", () => {
  it("print a code in groups of four, and show only its ends", () => {
    expect(formatCode(CODE)).toBe("11M7-JN20-EF93-0BCT-DTA3-27TY-JW");
    expect(maskCode(CODE)).toBe("11M7…TYJW");
    expect(maskCode("HE110")).toBe("HE110");
  });
});

describe("prefixOf", () => {
  it.each([
    ["SPRING-2026", "SPRN"],
    ["abc9", "ABC9"],
    ["taobao.vip", "TABA"],
  ])("takes the first symbols of %s", (name, prefix) => {
    expect(prefixOf(name)).toBe(prefix);
  });

  it("derives one of our symbols from a name without enough of them", () => {
    for (const name of ["春节", "oil", "abc", "ВЕСНА"]) {
      expect(prefixOf(name)).toMatch(/^DK[0-9A-F]{2}$/);
      expect(prefixOf(name)).toBe(prefixOf(name));
    }
    expect(prefixOf("春节")).not.toBe(prefixOf("中秋"));
  });
});
