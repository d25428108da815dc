import { describe, expect, it } from "vitest";
import { createCodes, formatCode, maskCode } from "../../src/core/cards/card-code.ts";
import { hideCodes, maskCodes } from "../../src/core/cards/mask-codes.ts";

const [code = ""] = createCodes("DKA7", 1);
const masked = maskCode(code);

describe("hideCodes", () => {
  it("hides a code wherever and however it stands in a text", () => {
    expect(hideCodes(`please redeem ${code}, thanks`)).toBe(`please redeem ${masked} thanks`);
    expect(hideCodes(`(${formatCode(code)})`)).toBe(masked);
    expect(hideCodes(`my card ${formatCode(code).replaceAll("-", " ")} !`)).toBe(
      `my card ${masked} !`,
    );
    expect(hideCodes(`${code.toLowerCase()} and ${code}`)).toBe(`${masked} and ${masked}`);
  });

  it("leaves everything else as it is", () => {
    const [other = ""] = createCodes("DKA7", 1);
    const wrong = `${other.slice(0, -1)}${other.endsWith("0") ? "1" : "0"}`;
    for (const text of [
      "",
      " a  b\n",
      wrong,
      "some text that goes on with 4 word each time",
      "👩‍👩‍👧",
    ]) {
      expect(hideCodes(text)).toBe(text);
    }
    const long = "word ".repeat(20_000);
    expect(hideCodes(long)).toBe(long);
  });
});

describe("maskCodes", () => {
  it("hides whatever follows /redeem, code or not", () => {
    expect(maskCodes(`/redeem ${code}`)).toBe(`/redeem ${masked}`);
    expect(maskCodes("／REDEEM@bot abc def")).toBe("／REDEEM@bot …");
    expect(maskCodes("/redeem")).toBe("/redeem");
  });
});
