import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePrice } from "../../src/core/billing/amount.ts";
import { DEFAULT_MODELS } from "../../src/core/billing/default-models.ts";
import {
  chargeOf,
  holdOf,
  type ModelPrice,
  outputTokensCovered,
} from "../../src/core/billing/price-list.ts";

const gpt5Mini: ModelPrice = {
  input: 250_000n,
  cachedInput: 25_000n,
  output: 2_000_000n,
  messageCost: 1n,
};
const usage = (inputTokens: number, cachedTokens: number, outputTokens: number) => ({
  inputTokens,
  cachedTokens,
  outputTokens,
});

const price = fc.record({
  input: fc.bigInt(0n, 50_000_000n),
  cachedInput: fc.bigInt(0n, 50_000_000n),
  output: fc.bigInt(0n, 100_000_000n),
  messageCost: fc.constant(null),
});
const tokens = fc.nat(2_000_000);

describe("chargeOf", () => {
  it("adds the parts first and rounds once, upward", () => {
    // 1000 × 0.25 + 200 × 0.025 + 300 × 2, all in micros.
    expect(chargeOf(usage(1_200, 200, 300), gpt5Mini)).toBe(855n);
    // 0.25 + 0.025 + 2 = 2.275: rounding each part would give 4.
    expect(chargeOf(usage(2, 1, 1), gpt5Mini)).toBe(3n);
    expect(chargeOf(usage(0, 0, 0), gpt5Mini)).toBe(0n);
  });

  it("never loses a micro over many requests, and gains less than one each", () => {
    fc.assert(
      fc.property(price, fc.array(fc.tuple(tokens, tokens), { minLength: 1 }), (price, uses) => {
        const charged = uses.reduce(
          (sum, [input, output]) => sum + chargeOf(usage(input, 0, output), price),
          0n,
        );
        const exact = uses.reduce(
          (sum, [input, output]) =>
            sum + BigInt(input) * price.input + BigInt(output) * price.output,
          0n,
        );
        expect(charged * 1_000_000n).toBeGreaterThanOrEqual(exact);
        expect(charged * 1_000_000n - exact).toBeLessThan(1_000_000n * BigInt(uses.length));
      }),
    );
  });

  it.each([usage(-1, 0, 0), usage(1, 2, 0), usage(0.5, 0, 0), usage(Number.NaN, 0, 0)])(
    "is not asked about %o",
    (nonsense) => {
      expect(() => chargeOf(nonsense, gpt5Mini)).toThrow();
    },
  );
});

describe("holdOf", () => {
  it("covers every answer within its limits, wherever its input was read from", () => {
    fc.assert(
      fc.property(
        price,
        tokens,
        tokens,
        fc.nat(100),
        fc.nat(100),
        (price, input, max, of, cached) => {
          const used = usage(
            input,
            Math.floor((input * cached) / 100),
            Math.floor((max * of) / 100),
          );
          expect(chargeOf(used, price)).toBeLessThanOrEqual(holdOf(input, max, price));
        },
      ),
    );
  });
});

describe("outputTokensCovered", () => {
  it("is the longest answer the credit covers: one more token costs more", () => {
    fc.assert(
      fc.property(price, tokens, fc.bigInt(0n, 10_000_000n), (price, input, credit) => {
        fc.pre(price.output > 0n && holdOf(input, 0, price) <= credit);
        const covered = outputTokensCovered(credit, input, price);
        expect(holdOf(input, covered, price)).toBeLessThanOrEqual(credit);
        expect(holdOf(input, covered + 1, price)).toBeGreaterThan(credit);
      }),
    );
  });

  it("is 0 when not even the input is covered, and without end when words are free", () => {
    expect(outputTokensCovered(249n, 1_000, gpt5Mini)).toBe(0);
    expect(outputTokensCovered(250n, 1_000, gpt5Mini)).toBe(0);
    expect(outputTokensCovered(252n, 1_000, gpt5Mini)).toBe(1);
    const free = { ...gpt5Mini, output: 0n };
    expect(outputTokensCovered(250n, 1_000, free)).toBe(Number.MAX_SAFE_INTEGER);
    expect(outputTokensCovered(249n, 1_000, free)).toBe(0);
  });
});

describe("DEFAULT_MODELS", () => {
  it.each(DEFAULT_MODELS.map((model) => [model.name, model] as const))(
    "%s has prices and limits that can be used",
    (_name, model) => {
      const [input, cached, output] = [model.input, model.cachedInput, model.output].map(
        parsePrice,
      );
      expect(input).toBeGreaterThan(0n);
      expect(output).toBeGreaterThanOrEqual(input ?? 0n);
      expect(cached).toBeLessThanOrEqual(input ?? 0n);
      expect(model.outputTokensMax).toBeLessThan(model.contextTokens);
    },
  );

  it("names each model once", () => {
    const names = DEFAULT_MODELS.map((model) => model.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
