import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import { FakeUpstream, failing } from "../fakes/fake-upstream.ts";
import { TestUpstreamPool } from "../fakes/test-upstream-pool.ts";

describe("UpstreamPool with a key that was told to wait", () => {
  it("calls it again when the time is over and not before, waiting up to ten seconds", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answers.push(failing("rate_limited", { retryAfterMs: 8_000 }));
    const test = new TestUpstreamPool([upstream]);
    const answer = test.ask();
    await test.clock.advance(7_999);
    expect(upstream.calls).toHaveLength(1);
    expect(await test.pool.describe()).toMatchObject([{ condition: { kind: "cooling" } }]);
    await test.clock.advance(1);
    expect(await answer).toHaveLength(4);
    expect(upstream.calls).toHaveLength(2);
  });

  it("passes on when to come back when that is later", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answers.push(failing("rate_limited", { retryAfterMs: 20_000 }));
    const test = new TestUpstreamPool([upstream]);
    await expect(test.ask()).rejects.toMatchObject({ kind: "rate_limited", retryAfterMs: 20_000 });
    await test.clock.advance(5_000);
    await expect(test.ask()).rejects.toMatchObject({ kind: "rate_limited", retryAfterMs: 15_000 });
    expect(upstream.calls).toHaveLength(1);
  });

  it("never calls a cooling key, however many wait for it", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answer = failing("rate_limited", { retryAfterMs: 60_000 });
    const test = new TestUpstreamPool([{ upstream, limits: { concurrent: 3 } }]);
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => test.ask()));
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    expect(upstream.calls).toHaveLength(3);
  });
});

describe("UpstreamPool with a key that keeps failing", () => {
  const fail = async (test: TestUpstreamPool) => {
    await expect(test.ask()).rejects.toBeInstanceOf(OutsideError);
  };

  it("rests it after three errors in a row, not after two", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    upstream.answers.push(failing("overloaded"), failing("timeout"));
    await fail(test);
    await fail(test);
    await test.ask();
    upstream.answer = failing("unreachable");
    for (let time = 0; time < 3; time += 1) await fail(test);
    expect(upstream.calls).toHaveLength(6);
    await fail(test);
    expect(upstream.calls).toHaveLength(6);
    expect(await test.pool.describe()).toMatchObject([{ condition: { kind: "circuit_open" } }]);
  });

  it("lets exactly one call through after 30 seconds and closes when that succeeds", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    upstream.answer = failing("overloaded");
    for (let time = 0; time < 3; time += 1) await fail(test);
    await test.clock.advance(29_999);
    await fail(test);
    expect(upstream.calls).toHaveLength(3);
    await test.clock.advance(1);
    let end = () => {};
    upstream.answer = { after: new Promise<void>((resolve) => (end = resolve)) };
    const asking = [test.ask(), test.ask(), test.ask()].map((ask) => ask.catch(() => "refused"));
    await test.clock.settle();
    expect(upstream.calls).toHaveLength(4);
    expect(await test.pool.describe()).toMatchObject([{ condition: { kind: "probing" } }]);
    end();
    const outcomes = await Promise.all(asking);
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(2);
    expect(await test.pool.describe()).toMatchObject([{ condition: { kind: "ready" } }]);
  });

  it("rests twice as long each time, up to five minutes", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    upstream.answer = failing("overloaded");
    for (let time = 0; time < 3; time += 1) await fail(test);
    for (const restMs of [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]) {
      const calls = upstream.calls.length;
      await test.clock.advance(restMs - 1);
      await fail(test);
      expect(upstream.calls).toHaveLength(calls);
      await test.clock.advance(1);
      await fail(test);
      expect(upstream.calls).toHaveLength(calls + 1);
    }
  });

  it("gives the chance to the next one when the call that was let through is aborted", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    upstream.answer = failing("overloaded");
    for (let time = 0; time < 3; time += 1) await fail(test);
    await test.clock.advance(30_000);
    upstream.answer = {};
    upstream.answers.push({ after: new Promise(() => {}) });
    const aborter = new AbortController();
    const aborted = test.ask({}, aborter.signal);
    await test.clock.settle();
    aborter.abort();
    await aborted;
    expect(await test.askWho()).toBe("a");
  });
});

describe("UpstreamPool with nothing but keys that keep failing", () => {
  const fail = async (test: TestUpstreamPool) => {
    await expect(test.ask()).rejects.toBeInstanceOf(OutsideError);
  };

  it("calls one that worked a moment ago, one call at a time, and lets others wait for it", async () => {
    const [flaky, down] = [new FakeUpstream("flaky"), new FakeUpstream("down")];
    const test = new TestUpstreamPool([
      { upstream: down, priority: 0 },
      { upstream: flaky, priority: 1 },
    ]);
    down.answer = failing("overloaded");
    await test.ask();
    flaky.answer = failing("overloaded");
    for (let time = 0; time < 3; time += 1) await fail(test);
    expect([down.calls.length, flaky.calls.length]).toEqual([3, 4]);
    flaky.answer = {};
    let end = () => {};
    flaky.answers.push({ after: new Promise<void>((resolve) => (end = resolve)) });
    const asking = Promise.all([test.ask(), test.ask(), test.ask()]);
    await test.clock.advance(5_000);
    expect([down.calls.length, flaky.calls.length]).toEqual([3, 5]);
    end();
    expect((await asking).map((events) => events.length)).toEqual([4, 4, 4]);
    expect([down.calls.length, flaky.calls.length]).toEqual([3, 7]);
  });

  it("calls none that has not worked for half a minute", async () => {
    const upstreams = [new FakeUpstream("a"), new FakeUpstream("b")];
    const test = new TestUpstreamPool(upstreams);
    await test.ask();
    await test.clock.advance(30_000);
    for (const upstream of upstreams) upstream.answer = failing("overloaded");
    for (let time = 0; time < 3; time += 1) await fail(test);
    const calls = upstreams.flatMap((upstream) => upstream.calls).length;
    await fail(test);
    expect(upstreams.flatMap((upstream) => upstream.calls)).toHaveLength(calls);
  });
});
