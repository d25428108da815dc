import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCredit, parseAmount, parsePrice } from "../../src/core/billing/amount.ts";
import { micros } from "../../src/core/billing/micros.ts";

describe("parseAmount", () => {
  it.each([
    ["5", { unit: "credit", amount: 5_000_000n }],
    ["12.5", { unit: "credit", amount: 12_500_000n }],
    ["0.000001", { unit: "credit", amount: 1n }],
    [" 007.10 ", { unit: "credit", amount: 7_100_000n }],
    ["1000000", { unit: "credit", amount: 1_000_000_000_000n }],
    ["100m", { unit: "message", amount: 100n }],
    ["1M", { unit: "message", amount: 1n }],
    ["10000000m", { unit: "message", amount: 10_000_000n }],
    ["１２．５", { unit: "credit", amount: 12_500_000n }],
    ["１００ｍ", { unit: "message", amount: 100n }],
  ])("reads %j", (text, amount) => {
    expect(parseAmount(text)).toEqual(amount);
  });

  it.each([
    "",
    "0",
    "0.000000",
    "0m",
    "-5",
    "+5",
    "-5m",
    "NaN",
    "Infinity",
    "1e30",
    "1e3m",
    "1.0000001",
    "0.0000001",
    "1000000.000001",
    "1000001",
    "9999999999999999999999",
    "10000001m",
    "1.5m",
    ".5",
    "5.",
    "1,000",
    "1 000",
    "5 m",
    "5mm",
    "0x10",
    "5²",
    "٥",
    "½",
    "$5",
    "m",
  ])("refuses %j", (text) => {
    expect(() => parseAmount(text)).toThrow(
      expect.objectContaining({ code: "amount_invalid", details: { amount: text } }),
    );
  });

  it("does not repeat a whole page that somebody pasted", () => {
    expect(() => parseAmount("x".repeat(5_000))).toThrow(
      expect.objectContaining({ details: { amount: "x".repeat(40) } }),
    );
  });
});

describe("parsePrice", () => {
  it("reads prices, 0 among them", () => {
    expect(parsePrice("0.25")).toBe(250_000n);
    expect(parsePrice("0")).toBe(0n);
    expect(parsePrice("１")).toBe(1_000_000n);
  });

  it.each(["", "-1", "1m", "1000000.000001", "2.5/10"])("refuses %j", (text) => {
    expect(() => parsePrice(text)).toThrow(expect.objectContaining({ code: "amount_invalid" }));
  });
});

describe("formatCredit", () => {
  it.each([
    [0n, "0.00"],
    [1n, "0.000001"],
    [3_100n, "0.0031"],
    [500_000n, "0.50"],
    [12_500_000n, "12.50"],
    [12_345_000n, "12.345"],
    [1_000_000_000_000n, "1000000.00"],
    [-250_000n, "-0.25"],
  ])("writes %s as %s", (amount, text) => {
    expect(formatCredit(micros(amount))).toBe(text);
  });

  it("writes what parseAmount reads back exactly", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 1_000_000_000_000n), (amount) => {
        expect(parseAmount(formatCredit(micros(amount)))).toEqual({ unit: "credit", amount });
      }),
    );
  });
});
