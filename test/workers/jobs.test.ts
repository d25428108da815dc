import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import {
  DELIVER_REPLY_OPTIONS,
  deliverBackoffMs,
  deliveryQueueName,
  GENERATE_REPLY_OPTIONS,
  generateBackoffMs,
} from "../../src/workers/jobs.ts";

const overloaded = (retryAfterMs?: number) =>
  new OutsideError("telegram", "rate_limited", { retryAfterMs });
const attempts = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("deliveryQueueName", () => {
  it("reads as what it is", () => {
    expect(deliveryQueueName({ platform: "telegram", bot: "123456" })).toBe(
      "delivery-telegram-123456",
    );
  });

  it("keeps a bot apart from one whose platform and name only look alike together", () => {
    expect(deliveryQueueName({ platform: "wechat", bot: "oa-shop" })).not.toBe(
      deliveryQueueName({ platform: "wechat-oa", bot: "shop" }),
    );
  });

  it("differs for different bots and has no colon, whatever they are called", () => {
    const key = fc.record({
      platform: fc.string({ unit: fc.constantFrom("a", "b", "-", "%", ":", "2", "D") }),
      bot: fc.string({ unit: fc.constantFrom("a", "-", "%", ":", "点", "{", "}", " ", "2", "D") }),
    });
    fc.assert(
      fc.property(key, key, (one, other) => {
        const isSame = one.platform === other.platform && one.bot === other.bot;
        expect(deliveryQueueName(one) === deliveryQueueName(other)).toBe(isSame);
        expect(deliveryQueueName(one)).not.toContain(":");
      }),
    );
  });
});

describe("the backoff of generating", () => {
  it("is 1, 3 and 8 seconds", () => {
    const waits = attempts(GENERATE_REPLY_OPTIONS.attempts - 1).map((attempt) =>
      generateBackoffMs(attempt, overloaded()),
    );
    expect(waits).toEqual([1_000, 3_000, 8_000]);
  });

  it("is what the upstream asked for, shorter or longer", () => {
    expect(generateBackoffMs(1, overloaded(20))).toBe(20);
    expect(generateBackoffMs(1, overloaded(30_000))).toBe(30_000);
  });
});

describe("the backoff of delivering", () => {
  it("doubles from one second to a minute", () => {
    const waits = attempts(9).map((attempt) => deliverBackoffMs(attempt, overloaded(), () => 0));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("goes on for half an hour even when chance makes every wait its shortest", () => {
    const total = attempts(DELIVER_REPLY_OPTIONS.attempts - 1)
      .map((attempt) => deliverBackoffMs(attempt, overloaded(), () => 0))
      .reduce((sum, waitMs) => sum + waitMs, 0);
    expect(total).toBeGreaterThanOrEqual(30 * 60_000);
  });

  it("is never shorter than the platform asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 3_600_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, retryAfterMs, chance) => {
          const waitMs = deliverBackoffMs(attempt, overloaded(retryAfterMs), () => chance);
          expect(waitMs).toBeGreaterThanOrEqual(retryAfterMs);
          expect(waitMs).toBeLessThanOrEqual(Math.max(retryAfterMs, 60_000) * 1.2 + 1);
          expect(Number.isInteger(waitMs)).toBe(true);
        },
      ),
    );
  });
});
