import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import { UpstreamError } from "../../src/core/upstream/upstream-error.ts";
import { UpstreamHealth } from "../../src/core/upstream/upstream-health.ts";

const rateLimited = (retryAfterMs?: number) => {
  return new OutsideError("key", "rate_limited", { retryAfterMs });
};

describe("UpstreamHealth", () => {
  it("cools down longer each time when the provider names no time, up to a minute", () => {
    const health = new UpstreamHealth(() => 0.5);
    const waits: number[] = [];
    let nowMs = 0;
    for (let time = 0; time < 8; time += 1) {
      const effect = health.failed(health.begin(nowMs), rateLimited(), "m", nowMs);
      if (effect.kind !== "cooling") throw new Error(effect.kind);
      waits.push(effect.ms);
      nowMs += effect.ms;
    }
    // Half of 2, 4, 8 … 60 seconds is fixed and half by chance, here half of that half.
    expect(waits).toEqual([1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000]);
    health.succeeded(health.begin(nowMs), 1, nowMs);
    expect(health.failed(health.begin(nowMs), rateLimited(), "m", nowMs)).toMatchObject({
      ms: 1_500,
    });
  });

  it("takes refusals of calls that ran side by side for one", () => {
    const health = new UpstreamHealth(() => 0);
    const calls = Array.from({ length: 10 }, () => health.begin(0));
    const effects = calls.map((call) => health.failed(call, rateLimited(), "m", 100));
    expect(new Set(effects.map((effect) => JSON.stringify(effect))).size).toBe(1);
    expect(health.decide("m", 1_099)).toEqual({ mayCall: false, untilMs: 1_100 });
    expect(health.decide("m", 1_100)).toEqual({ mayCall: true });
  });

  it("keeps the longest time that it was told", () => {
    const health = new UpstreamHealth(() => 0);
    const [first, second] = [health.begin(0), health.begin(0)];
    health.failed(first, rateLimited(9_000), "m", 0);
    health.failed(second, rateLimited(1_000), "m", 0);
    expect(health.decide("m", 8_999)).toEqual({ mayCall: false, untilMs: 9_000 });
  });

  it("cools down after an error that names a time, and counts it as an error", () => {
    const health = new UpstreamHealth(() => 0);
    const error = new OutsideError("key", "overloaded", { retryAfterMs: 5_000 });
    expect(health.failed(health.begin(0), error, "m", 0)).toEqual({ kind: "cooling", ms: 5_000 });
    expect(health.errors).toBe(1);
  });

  it("does not rest longer for calls that were under way when the circuit opened", () => {
    const health = new UpstreamHealth(() => 0);
    const error = new OutsideError("key", "unreachable");
    const calls = Array.from({ length: 20 }, () => health.begin(0));
    for (const call of calls) health.failed(call, error, "m", 0);
    expect(health.condition(0)).toEqual({ kind: "circuit_open", until: new Date(30_000) });
  });

  it("gives the provider's code as the reason of a death, else the kind", () => {
    const refused = new UpstreamError("key", "unauthorized", { code: "account_deactivated" });
    const broke = new OutsideError("key", "quota");
    const [first, second] = [new UpstreamHealth(() => 0), new UpstreamHealth(() => 0)];
    expect(first.failed(first.begin(0), refused, "m", 0)).toEqual({
      kind: "dead",
      reason: "account_deactivated",
      mayBeMistake: true,
    });
    expect(second.failed(second.begin(0), broke, "m", 0)).toEqual({
      kind: "dead",
      reason: "quota",
      mayBeMistake: false,
    });
    expect(second.failed(second.begin(0), refused, "m", 0)).toEqual({ kind: "counted" });
  });

  it("suspects a key that is refused within half a minute after it worked", () => {
    const refused = new UpstreamError("key", "unauthorized", { code: "invalid_api_key" });
    for (const [nowMs, kind] of [
      [29_999, "suspect"],
      [30_000, "dead"],
    ] as const) {
      const health = new UpstreamHealth(() => 0);
      health.succeeded(health.begin(0), 1, 0);
      expect(health.failed(health.begin(nowMs), refused, "m", nowMs)).toMatchObject({ kind });
      expect(health.condition(nowMs)).toEqual({ kind: "dead", reason: "invalid_api_key" });
      const untilMs = kind === "suspect" ? nowMs + 250 : null;
      expect(health.decide("m", nowMs)).toEqual({ mayCall: false, untilMs });
    }
  });

  it("never lets a key be called while it cools, is dead, disabled or probed, whatever happens", () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant("call" as const) }),
      fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 100_000 }) }),
      fc.record({ type: fc.constant("succeed" as const) }),
      fc.record({ type: fc.constant("abandon" as const) }),
      fc.record({
        type: fc.constant("fail" as const),
        kind: fc.constantFrom("overloaded", "timeout", "rate_limited", "rejected", "quota"),
        retryAfterMs: fc.option(fc.integer({ min: 0, max: 50_000 }), { nil: undefined }),
      }),
      fc.record({ type: fc.constant("revive" as const) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const health = new UpstreamHealth(() => 0.5);
        const running: ReturnType<UpstreamHealth["begin"]>[] = [];
        let nowMs = 0;
        for (const step of events) {
          if (step.type === "wait") nowMs += step.ms;
          if (step.type === "revive") health.markReady();
          if (step.type === "call") {
            const { mayCall } = health.decide("m", nowMs);
            const { kind, ...rest } = health.condition(nowMs);
            const isDueForProbe =
              "until" in rest && kind === "circuit_open" && rest.until <= new Date(nowMs);
            expect(mayCall).toBe(kind === "ready" || isDueForProbe);
            if (mayCall) running.push(health.begin(nowMs));
            continue;
          }
          const call = running[0];
          if (call === undefined || step.type === "wait" || step.type === "revive") continue;
          running.shift();
          if (step.type === "succeed") health.succeeded(call, 1, nowMs);
          else if (step.type === "abandon") health.abandoned(call);
          else {
            const { kind, retryAfterMs } = step;
            health.failed(call, new OutsideError("key", kind, { retryAfterMs }), "m", nowMs);
          }
          expect(health.running).toBe(running.length);
        }
      }),
    );
  });
});
