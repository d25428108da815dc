import { describe, expect, it } from "vitest";
import type { CompletionEvent } from "../../src/core/upstream/upstream.ts";
import { UNLIMITED } from "../../src/core/upstream/upstream-limiter.ts";
import { FakeUpstream, failing } from "../fakes/fake-upstream.ts";
import { question, TestUpstreamPool } from "../fakes/test-upstream-pool.ts";

describe("UpstreamPool within limits", () => {
  it("gives what one key has no room for to the next one", async () => {
    const [a, b] = [new FakeUpstream("a"), new FakeUpstream("b")];
    const test = new TestUpstreamPool([
      { upstream: a, priority: 0, limits: { requestsPerMinute: 2 } },
      { upstream: b, priority: 1 },
    ]);
    const answered = [];
    for (let time = 0; time < 4; time += 1) answered.push(await test.askWho());
    expect(answered).toEqual(["a", "a", "b", "b"]);
  });

  it("draws new people away from a key that is nearly full", async () => {
    const test = new TestUpstreamPool([
      { upstream: new FakeUpstream("small"), limits: { requestsPerMinute: 100 } },
      { upstream: new FakeUpstream("large"), limits: { requestsPerMinute: 10_000 } },
    ]);
    const answered = [];
    for (let index = 0; index < 250; index += 1) {
      answered.push(await test.askWho({ stickyKey: `person ${index}` }));
    }
    const small = answered.filter((name) => name === "small").length;
    // Half of the people would be 125, and at 100 it would have been full for everyone.
    expect(small).toBeGreaterThan(75);
    expect(small).toBeLessThan(100);
  });

  it("never runs more calls at once than a key allows, and serves all in the order they came", async () => {
    const upstream = new FakeUpstream("a");
    const { pool, clock } = new TestUpstreamPool([{ upstream, limits: { concurrent: 3 } }]);
    const ends: (() => void)[] = [];
    for (let index = 0; index < 12; index += 1) {
      upstream.answers.push({ after: new Promise<void>((resolve) => ends.push(resolve)) });
    }
    const order: number[] = [];
    const asking = Array.from({ length: 12 }, async (_, index) => {
      const events = pool.complete(question({ inputTokens: index }), new AbortController().signal);
      for await (const event of events) if (event.type === "done") order.push(index);
    });
    for (const end of ends) {
      await clock.settle();
      expect(upstream.inFlight).toBeLessThanOrEqual(3);
      end();
    }
    await Promise.all(asking);
    expect(upstream.inFlightMax).toBe(3);
    expect(upstream.calls.map(({ request }) => request.inputTokens)).toEqual([...Array(12).keys()]);
    expect(order).toEqual([...Array(12).keys()]);
  });

  it("waits for room for ten seconds, then says when to come back", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answer = { after: new Promise(() => {}) };
    const test = new TestUpstreamPool([{ upstream, limits: { concurrent: 1 } }]);
    const aborter = new AbortController();
    const first = test.ask({}, aborter.signal);
    await test.clock.settle();
    const second = outcomeOf(test.ask());
    await test.clock.advance(9_999);
    expect(second.value).toBe("waiting");
    await test.clock.advance(251);
    expect(second.value).toMatchObject({ kind: "rate_limited", retryAfterMs: 250 });
    aborter.abort();
    await first;
    expect(test.clock.sleepers).toBe(0);
  });

  it("does not wait when there will be no room in time", async () => {
    const test = new TestUpstreamPool([
      { upstream: new FakeUpstream("a"), limits: { requestsPerMinute: 1 } },
    ]);
    await test.ask();
    await expect(test.ask()).rejects.toMatchObject({ kind: "rate_limited", retryAfterMs: 60_000 });
  });

  it("waits out a minute's limit that ends within ten seconds", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([{ upstream, limits: { requestsPerMinute: 1 } }]);
    await test.ask();
    await test.clock.advance(50_000);
    const second = test.ask();
    await test.clock.advance(9_999);
    expect(upstream.calls).toHaveLength(1);
    await test.clock.advance(1);
    expect(await second).toHaveLength(4);
  });

  it("reserves the tokens a request may take and gives back what it did not", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([{ upstream, limits: { tokensPerMinute: 150 } }]);
    // Each may take 100 and takes 12, so they pass one after the other but not side by side.
    for (let time = 0; time < 5; time += 1) await test.ask();
    expect((await test.limiter.readUse("a")).tokens).toBe(60);
    await expect(test.ask()).rejects.toMatchObject({ kind: "rate_limited" });
  });

  it("counts the words itself where the upstream does not, and nothing for a failed call", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    upstream.answers.push({ deltas: ["123", "456"], usage: null }, failing("rejected"));
    await test.ask();
    expect((await test.limiter.readUse("a")).tokens).toBe(12);
    await expect(test.ask()).rejects.toThrow();
    expect((await test.limiter.readUse("a")).tokens).toBe(12);
  });

  it("lets a waiting person leave, and serves the next one", async () => {
    const upstream = new FakeUpstream("a");
    let end = () => {};
    upstream.answers.push({ after: new Promise<void>((resolve) => (end = resolve)) });
    const test = new TestUpstreamPool([{ upstream, limits: { concurrent: 1 } }]);
    const first = test.ask();
    await test.clock.settle();
    const leaver = new AbortController();
    const left = test.ask({ inputTokens: 1 }, leaver.signal);
    const stays = test.ask({ inputTokens: 2 });
    await test.clock.settle();
    leaver.abort();
    expect(await left).toEqual([]);
    end();
    expect(await first).toHaveLength(4);
    expect(await stays).toHaveLength(4);
    expect(upstream.calls.map(({ request }) => request.inputTokens)).toEqual([10, 2]);
  });

  it("frees the place before the reader has dealt with the end of the answer", async () => {
    const { pool, limiter } = new TestUpstreamPool([new FakeUpstream("a")]);
    for await (const event of pool.complete(question(), new AbortController().signal)) {
      const { inFlight } = await limiter.readUse("a");
      expect(inFlight).toBe(event.type === "done" ? 0 : 1);
    }
  });

  it("keeps nothing of requests that are over", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([{ upstream, limits: { concurrent: 10 } }]);
    const aborter = new AbortController();
    await Promise.all(Array.from({ length: 200 }, () => test.ask({}, aborter.signal)));
    expect(test.clock.sleepers).toBe(0);
    expect(await test.limiter.readUse("a")).toMatchObject({ inFlight: 0 });
    await test.pool.stop();
  });

  it("tells how many more people there is room for", async () => {
    const test = new TestUpstreamPool([
      { upstream: new FakeUpstream("free") },
      { upstream: new FakeUpstream("byRequests"), limits: { requestsPerMinute: 30 } },
      { upstream: new FakeUpstream("byTokens"), limits: { tokensPerMinute: 15_000 } },
      { upstream: new FakeUpstream("byPlaces"), limits: { concurrent: 2 } },
    ]);
    const reports = await test.pool.describe();
    // A person asks once a minute; an answer is taken to need 1 500 tokens and ten seconds.
    expect(reports.map(({ morePeople }) => morePeople)).toEqual([null, 30, 10, 12]);
  });

  it("learns from its calls how many more people there is room for", async () => {
    const limits = { ...UNLIMITED, tokensPerMinute: 15_000 };
    const test = new TestUpstreamPool([{ upstream: new FakeUpstream("a"), limits }]);
    for (let time = 0; time < 100; time += 1) await test.ask({ stickyKey: `person ${time % 4}` });
    const [report] = await test.pool.describe();
    expect(report).toMatchObject({
      stickyPeople: 4,
      successes: 100,
      use: { requests: 100, tokens: 1_200, inFlight: 0 },
      morePeople: (15_000 - 1_200) / 12,
    });
    await test.clock.advance(600_000);
    expect(await test.pool.describe()).toMatchObject([{ stickyPeople: 0, use: { requests: 0 } }]);
  });
});

/** What a request has come to so far, without waiting for it. */
function outcomeOf(asking: Promise<CompletionEvent[]>): { value: unknown } {
  const outcome: { value: unknown } = { value: "waiting" };
  asking.then(
    (events) => (outcome.value = events),
    (error: unknown) => (outcome.value = error),
  );
  return outcome;
}
