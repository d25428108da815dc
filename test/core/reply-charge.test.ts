import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ReplyResult, replyCharge } from "../../src/core/billing/reply-charge.ts";

const price = {
  input: 1_000_000n,
  cachedInput: 100_000n,
  output: 2_000_000n,
  messageCost: 2n,
  creditMax: 300n,
};
const counted = { inputTokens: 100, cachedTokens: 0, outputTokens: 40 };
const reported = { inputTokens: 110, cachedTokens: 10, outputTokens: 50 };

/** A hold of 300 micros: 100 tokens in and 100 out. An answer that went well. */
const inCredit: ReplyResult = {
  hold: { unit: "credit", amount: 300n },
  price,
  outcome: "ended",
  upstreamUsage: reported,
  countedUsage: counted,
  wordsDelivered: true,
  isSlow: false,
};
const inMessages: ReplyResult = { ...inCredit, hold: { unit: "message", amount: 2n } };

describe("replyCharge in credit", () => {
  it("charges what the upstream says it used", () => {
    expect(replyCharge(inCredit)).toEqual({
      unit: "credit",
      charge: 201n,
      freeReason: null,
      usage: reported,
      usageSource: "upstream",
      usageClamped: false,
    });
  });

  it("charges our own count when the upstream says nothing", () => {
    expect(replyCharge({ ...inCredit, upstreamUsage: null })).toMatchObject({
      charge: 180n,
      usage: counted,
      usageSource: "counted",
      usageClamped: false,
    });
  });

  it.each(["stopped", "cut"] as const)("charges what came of an answer that was %s", (outcome) => {
    expect(replyCharge({ ...inCredit, outcome })).toMatchObject({
      charge: 180n,
      freeReason: null,
      usageSource: "counted",
    });
  });

  it.each([
    ["negative", { inputTokens: -110, cachedTokens: 0, outputTokens: 50 }],
    ["not a number", { inputTokens: Number.NaN, cachedTokens: 0, outputTokens: 50 }],
    ["not whole", { inputTokens: 110, cachedTokens: 0, outputTokens: 0.5 }],
    ["infinite", { inputTokens: 110, cachedTokens: 0, outputTokens: Number.POSITIVE_INFINITY }],
    ["more cached than read", { inputTokens: 10, cachedTokens: 11, outputTokens: 50 }],
    ["more than the hold buys", { inputTokens: 101, cachedTokens: 0, outputTokens: 100 }],
    ["beyond any model", { inputTokens: 0, cachedTokens: 0, outputTokens: 10_000_001 }],
  ])("counts itself when the upstream's figures are %s", (_why, upstreamUsage) => {
    expect(replyCharge({ ...inCredit, upstreamUsage })).toMatchObject({
      charge: 180n,
      usage: counted,
      usageSource: "counted",
      usageClamped: true,
    });
  });

  it("believes figures that the hold buys to the last micro", () => {
    const upstreamUsage = { inputTokens: 100, cachedTokens: 0, outputTokens: 100 };
    expect(replyCharge({ ...inCredit, upstreamUsage })).toMatchObject({
      charge: 300n,
      usageSource: "upstream",
      usageClamped: false,
    });
  });

  it("charges no more than was held, even by our own count, and says so", () => {
    const countedUsage = { inputTokens: 100, cachedTokens: 0, outputTokens: 101 };
    const result = { ...inCredit, upstreamUsage: null, countedUsage };
    expect(replyCharge(result)).toMatchObject({ charge: 300n, usageClamped: true });
  });
});

describe("replyCharge in messages", () => {
  it.each(["ended", "stopped"] as const)("charges an answer that %s", (outcome) => {
    expect(replyCharge({ ...inMessages, outcome })).toMatchObject({
      unit: "message",
      charge: 2n,
      freeReason: null,
    });
  });

  it("charges nothing for an answer the upstream cut", () => {
    expect(replyCharge({ ...inMessages, outcome: "cut" })).toMatchObject({
      charge: 0n,
      freeReason: "upstream_cut",
    });
  });

  it("charges the same whatever the upstream claims, but does not repeat its claim", () => {
    const upstreamUsage = { inputTokens: 200, cachedTokens: 0, outputTokens: 51 };
    expect(replyCharge({ ...inMessages, upstreamUsage })).toMatchObject({
      charge: 2n,
      usage: counted,
      usageClamped: true,
    });
  });
});

describe("replyCharge of what is worth nothing", () => {
  it.each([inCredit, inMessages])("is free in $hold.unit", (result) => {
    const free = (over: Partial<ReplyResult>) => {
      const { charge, freeReason } = replyCharge({ ...result, ...over });
      return [charge, freeReason];
    };
    expect(free({ outcome: "failed" })).toEqual([0n, "failed"]);
    expect(free({ outcome: "failed", wordsDelivered: false, isSlow: true })).toEqual([
      0n,
      "failed",
    ]);
    expect(free({ isSlow: true })).toEqual([0n, "slow"]);
    expect(free({ isSlow: true, outcome: "stopped" })).toEqual([0n, "slow"]);
    expect(free({ isSlow: true, outcome: "cut" })).toEqual([0n, "slow"]);
    expect(free({ wordsDelivered: false })).toEqual([0n, "nothing_delivered"]);
    expect(free({ wordsDelivered: false, outcome: "stopped" })).toEqual([0n, "nothing_delivered"]);
    expect(free({ wordsDelivered: false, outcome: "cut" })).toEqual([0n, "upstream_cut"]);
  });
});

describe("replyCharge", () => {
  it("is never negative and never more than the hold, whatever it is told", () => {
    const count = fc.oneof(fc.integer(), fc.nat(200), fc.double());
    const told = fc.record({ inputTokens: count, cachedTokens: count, outputTokens: count });
    const true_ = fc.record({
      inputTokens: fc.nat(500),
      cachedTokens: fc.constant(0),
      outputTokens: fc.nat(500),
    });
    fc.assert(
      fc.property(
        fc.record({
          hold: fc.record({
            unit: fc.constantFrom("credit" as const, "message" as const),
            amount: fc.bigInt(0n, 1_000n),
          }),
          price: fc.constant(price),
          outcome: fc.constantFrom("ended", "stopped", "cut", "failed" as const),
          upstreamUsage: fc.option(told),
          countedUsage: true_,
          wordsDelivered: fc.boolean(),
          isSlow: fc.boolean(),
        }),
        (result) => {
          const { charge, freeReason } = replyCharge(result);
          expect(charge).toBeGreaterThanOrEqual(0n);
          expect(charge).toBeLessThanOrEqual(result.hold.amount);
          if (freeReason !== null) expect(charge).toBe(0n);
        },
      ),
    );
  });
});
