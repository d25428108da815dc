import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import { UpstreamError } from "../../src/core/upstream/upstream-error.ts";
import { FakeUpstream, failing } from "../fakes/fake-upstream.ts";
import { question, TestUpstreamPool } from "../fakes/test-upstream-pool.ts";

const people = Array.from({ length: 300 }, (_, index) => `person ${index}`);

describe("UpstreamPool", () => {
  it("passes on the source, the words and the end of an answer", async () => {
    const test = new TestUpstreamPool([new FakeUpstream("a")]);
    expect(await test.ask()).toEqual([
      { type: "source", source: { upstream: "a", modelAnswered: "m" } },
      { type: "delta", text: "Hello" },
      { type: "delta", text: " there" },
      {
        type: "done",
        usage: { inputTokens: 10, cachedTokens: 0, outputTokens: 2 },
        finish: "stop",
      },
    ]);
  });

  it("refuses a model that no upstream serves", async () => {
    const test = new TestUpstreamPool([new FakeUpstream("a", ["x"])]);
    await expect(test.ask()).rejects.toMatchObject({
      name: "UserError",
      code: "model_not_available",
      details: { model: "m" },
    });
  });

  it("asks only upstreams that serve the model", async () => {
    const [a, b] = [new FakeUpstream("a", ["x"]), new FakeUpstream("b", ["m"])];
    const test = new TestUpstreamPool([a, b]);
    for (const stickyKey of people.slice(0, 20)) expect(await test.askWho({ stickyKey })).toBe("b");
    expect(a.calls).toHaveLength(0);
  });

  it("uses a lower priority number first and the next one when that is out", async () => {
    const [first, second] = [new FakeUpstream("first"), new FakeUpstream("second")];
    const test = new TestUpstreamPool([
      { upstream: second, priority: 1, weight: 100 },
      { upstream: first, priority: 0 },
    ]);
    for (const stickyKey of people.slice(0, 20)) {
      expect(await test.askWho({ stickyKey })).toBe("first");
    }
    first.answer = failing("overloaded");
    expect(await test.askWho()).toBe("second");
  });

  it("keeps a person with one upstream and spreads people by weight", async () => {
    const test = new TestUpstreamPool([
      { upstream: new FakeUpstream("light"), weight: 1 },
      { upstream: new FakeUpstream("heavy"), weight: 3 },
    ]);
    const chosen = new Map<string, string>();
    for (const stickyKey of people) chosen.set(stickyKey, await test.askWho({ stickyKey }));
    for (const stickyKey of people) {
      expect(await test.askWho({ stickyKey })).toBe(chosen.get(stickyKey));
    }
    const heavy = [...chosen.values()].filter((name) => name === "heavy").length;
    expect(heavy / people.length).toBeGreaterThan(0.65);
    expect(heavy / people.length).toBeLessThan(0.85);
  });

  it("moves only the people of an upstream that drops out", async () => {
    const upstreams = ["a", "b", "c"].map((name) => new FakeUpstream(name));
    const test = new TestUpstreamPool(upstreams);
    const before = new Map<string, string>();
    for (const stickyKey of people) before.set(stickyKey, await test.askWho({ stickyKey }));
    await test.pool.disable("b");
    for (const stickyKey of people) {
      const was = before.get(stickyKey);
      const is = await test.askWho({ stickyKey });
      if (was === "b") expect(is).not.toBe("b");
      else expect(is).toBe(was);
    }
  });

  it.each([
    "overloaded",
    "timeout",
    "unreachable",
    "rate_limited",
    "unauthorized",
    "quota",
  ] as const)(
    "moves on to the next upstream after a failure of kind %s before the first word",
    async (kind) => {
      const [bad, good] = [new FakeUpstream("bad"), new FakeUpstream("good")];
      bad.answer = failing(kind);
      const test = new TestUpstreamPool([
        { upstream: bad, priority: 0 },
        { upstream: good, priority: 1 },
      ]);
      expect(await test.ask()).toEqual([
        { type: "source", source: { upstream: "good", modelAnswered: "m" } },
        { type: "delta", text: "Hello" },
        { type: "delta", text: " there" },
        expect.objectContaining({ type: "done" }),
      ]);
      expect(bad.calls).toHaveLength(1);
    },
  );

  it("does not move on once a word was given, and says that the answer was cut", async () => {
    const [bad, good] = [new FakeUpstream("bad"), new FakeUpstream("good")];
    bad.answer = { deltas: ["Half"], error: new OutsideError("bad", "overloaded") };
    const { pool } = new TestUpstreamPool([
      { upstream: bad, priority: 0 },
      { upstream: good, priority: 1 },
    ]);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of pool.complete(question(), new AbortController().signal)) {
        seen.push(event.type);
      }
    })();
    await expect(reading).rejects.toMatchObject({
      name: "OutsideError",
      party: "bad",
      kind: "cut",
    });
    expect(seen).toEqual(["source", "delta"]);
    expect(good.calls).toHaveLength(0);
  });

  it("counts an empty delta as no word", async () => {
    const [bad, good] = [new FakeUpstream("bad"), new FakeUpstream("good")];
    bad.answer = { deltas: ["", ""], error: new OutsideError("bad", "unreachable") };
    const test = new TestUpstreamPool([
      { upstream: bad, priority: 0 },
      { upstream: good, priority: 1 },
    ]);
    const events = await test.ask();
    expect(events.map(({ type }) => type)).toEqual(["source", "delta", "delta", "done"]);
    expect(events[0]).toMatchObject({ source: { upstream: "good" } });
  });

  it("does not try a rejected request elsewhere, and keeps using the upstream", async () => {
    const [a, b] = [new FakeUpstream("a"), new FakeUpstream("b")];
    a.answers.push(
      failing("rejected"),
      failing("rejected"),
      failing("rejected"),
      failing("rejected"),
    );
    const test = new TestUpstreamPool([
      { upstream: a, priority: 0 },
      { upstream: b, priority: 1 },
    ]);
    for (let time = 0; time < 4; time += 1) {
      await expect(test.ask()).rejects.toMatchObject({ kind: "rejected" });
    }
    expect(b.calls).toHaveLength(0);
    expect(await test.askWho()).toBe("a");
    expect(await test.pool.describe()).toMatchObject([{ errors: 0, successes: 1 }, {}]);
  });

  it("moves on when the upstream does not know the model, and does not ask it for that model again", async () => {
    const [a, b] = [new FakeUpstream("a", ["m", "n"]), new FakeUpstream("b")];
    a.answers.push({
      deltas: [],
      error: new UpstreamError("a", "rejected", { code: "model_not_found", isModelMissing: true }),
    });
    const test = new TestUpstreamPool([
      { upstream: a, priority: 0 },
      { upstream: b, priority: 1 },
    ]);
    expect(await test.askWho()).toBe("b");
    expect(await test.askWho()).toBe("b");
    expect(await test.askWho({ model: "n" })).toBe("a");
    expect(await test.pool.describe()).toMatchObject([{ modelsOff: ["m"] }, { modelsOff: [] }]);
    await test.clock.advance(600_000);
    expect(await test.askWho()).toBe("a");
  });

  it("says that a model is not available when no upstream knows it after all", async () => {
    const a = new FakeUpstream("a");
    a.answer = {
      deltas: [],
      error: new UpstreamError("a", "rejected", { isModelMissing: true }),
    };
    const test = new TestUpstreamPool([a]);
    await expect(test.ask()).rejects.toMatchObject({ code: "model_not_available" });
    await expect(test.ask()).rejects.toMatchObject({ code: "model_not_available" });
    expect(a.calls).toHaveLength(1);
  });

  it("throws the last failure when all upstreams fail, each tried once", async () => {
    const upstreams = ["a", "b", "c"].map((name) => new FakeUpstream(name));
    for (const upstream of upstreams) upstream.answer = failing("overloaded");
    const test = new TestUpstreamPool(upstreams);
    await expect(test.ask()).rejects.toMatchObject({ kind: "overloaded" });
    expect(upstreams.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  });

  it("tries no more than eight upstreams for one request", async () => {
    const upstreams = Array.from({ length: 12 }, (_, index) => new FakeUpstream(`u${index}`));
    for (const upstream of upstreams) upstream.answer = failing("unreachable");
    const test = new TestUpstreamPool(upstreams);
    await expect(test.ask()).rejects.toMatchObject({ kind: "unreachable" });
    expect(upstreams.flatMap(({ calls }) => calls)).toHaveLength(8);
  });

  it("counts an answer that ends without an end as a failure", async () => {
    const [bad, good] = [new FakeUpstream("bad"), new FakeUpstream("good")];
    bad.answer = { deltas: [], endsEarly: true };
    const test = new TestUpstreamPool([
      { upstream: bad, priority: 0 },
      { upstream: good, priority: 1 },
    ]);
    expect(await test.askWho()).toBe("good");
  });

  it("passes on what is no failure of the outside world, and frees the place", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answer = { deltas: [], error: new TypeError("a bug") };
    const test = new TestUpstreamPool([upstream]);
    await expect(test.ask()).rejects.toThrow(TypeError);
    expect(await test.pool.describe()).toMatchObject([{ errors: 0, use: { inFlight: 0 } }]);
  });

  it("logs failures without any text of the question", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answer = failing("overloaded");
    const test = new TestUpstreamPool([upstream]);
    const turns = [{ role: "user", text: "my secret question", images: [] }] as const;
    await expect(test.ask({ turns })).rejects.toThrow();
    expect(test.log.lines).toHaveLength(1);
    expect(JSON.stringify(test.log.lines)).not.toContain("secret");
  });
});
