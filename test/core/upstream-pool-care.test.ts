import { describe, expect, it } from "vitest";
import { UpstreamError } from "../../src/core/upstream/upstream-error.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { FakeUpstream, failing } from "../fakes/fake-upstream.ts";
import { MemoryUpstreamStateStore } from "../fakes/memory-upstream-state-store.ts";
import { TestUpstreamPool } from "../fakes/test-upstream-pool.ts";

const refused = {
  deltas: [],
  error: new UpstreamError("a", "unauthorized", { code: "invalid_api_key", status: 401 }),
};

describe("UpstreamPool with a key that its provider refuses", () => {
  it("does not call it again, says so once, and tells other workers within five seconds", async () => {
    const [clock, states] = [new FakeClock(), new MemoryUpstreamStateStore()];
    const [mine, theirs] = [new FakeUpstream("a"), new FakeUpstream("a")];
    const here = new TestUpstreamPool([mine], { clock, states });
    const there = new TestUpstreamPool([theirs], { clock, states });
    await here.pool.start();
    await there.pool.start();
    mine.answer = refused;
    mine.verifyError = refused.error;
    await expect(here.ask()).rejects.toMatchObject({ kind: "unauthorized" });
    await expect(here.ask()).rejects.toMatchObject({ kind: "unauthorized" });
    expect(mine.calls).toHaveLength(1);
    await clock.advance(5_000);
    await expect(there.ask()).rejects.toMatchObject({ kind: "unauthorized" });
    expect(theirs.calls).toHaveLength(0);
    expect([here.notices, there.notices]).toEqual([["a: invalid_api_key"], []]);
    await here.pool.stop();
    await there.pool.stop();
    expect(clock.sleepers).toBe(0);
  });

  it("verifies a refused key soon, then every ten minutes, until it works for everyone", async () => {
    const [clock, states] = [new FakeClock(), new MemoryUpstreamStateStore()];
    const [mine, theirs] = [new FakeUpstream("a"), new FakeUpstream("a")];
    const here = new TestUpstreamPool([mine], { clock, states });
    const there = new TestUpstreamPool([theirs], { clock, states });
    await here.pool.start();
    await there.pool.start();
    mine.answers.push(refused);
    mine.verifyError = refused.error;
    theirs.verifyError = refused.error;
    await expect(here.ask()).rejects.toThrow();
    await clock.advance(1_900);
    expect(mine.verifications).toBe(0);
    await clock.advance(2_200);
    expect(mine.verifications).toBe(1);
    await clock.advance(16_000);
    expect(mine.verifications).toBe(2);
    await clock.advance(400_000);
    expect(mine.verifications).toBe(4);
    await clock.advance(1_200_000);
    expect(mine.verifications).toBe(6);
    expect(here.notices).toHaveLength(1);
    mine.verifyError = null;
    await clock.advance(604_000);
    expect(await here.askWho()).toBe("a");
    await clock.advance(4_000);
    expect(await there.askWho()).toBe("a");
    await here.pool.stop();
    await there.pool.stop();
  });

  it("takes a single refusal of a key that just worked for a mistake, and lets people wait", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    await test.ask();
    upstream.answers.push(refused);
    const waiting = [test.ask(), test.ask()];
    await test.clock.advance(500);
    for (const answer of waiting) expect(await answer).toHaveLength(4);
    expect(upstream.verifications).toBe(1);
    expect(test.notices).toEqual([]);
    expect(await test.states.readAll()).toEqual([]);
  });

  it("takes a key that just worked for dead when it is refused six times", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    await test.ask();
    upstream.answer = refused;
    upstream.verifyError = refused.error;
    const refusal = expect(test.ask()).rejects.toMatchObject({ code: "invalid_api_key" });
    await test.pool.maintain();
    await test.clock.advance(2_999);
    expect([upstream.verifications, test.notices]).toEqual([4, []]);
    await test.clock.advance(251);
    await refusal;
    expect([upstream.verifications, test.notices]).toEqual([5, ["a: invalid_api_key"]]);
    expect(await test.states.readAll()).toMatchObject([{ status: "dead" }]);
    await expect(test.ask()).rejects.toMatchObject({ kind: "unauthorized" });
    expect(upstream.calls).toHaveLength(2);
  });

  it("does not count looks that failed for another reason, and in the end gives the key another chance", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    await test.ask();
    upstream.answers.push(refused);
    upstream.verifyError = new UpstreamError("a", "overloaded", { status: 503 });
    const waiting = test.ask();
    await test.clock.advance(5_400);
    expect([upstream.verifications, upstream.calls.length]).toEqual([11, 2]);
    await test.clock.advance(700);
    expect(await waiting).toHaveLength(4);
    expect([upstream.verifications, test.notices]).toEqual([12, []]);
  });

  it("verifies a key without money only every ten minutes", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    await test.pool.start();
    upstream.answers.push(failing("quota"));
    await expect(test.ask()).rejects.toMatchObject({ kind: "quota" });
    await test.clock.advance(599_000);
    expect(upstream.verifications).toBe(0);
    await test.clock.advance(3_000);
    expect(upstream.verifications).toBe(1);
    await test.pool.stop();
  });

  it("verifies at the start what was dead before, for the key may be a new one", async () => {
    const states = new MemoryUpstreamStateStore();
    await states.markDead("a", "invalid_api_key");
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream], { states });
    await test.pool.start();
    await test.clock.settle();
    expect(upstream.verifications).toBe(1);
    expect(await test.askWho()).toBe("a");
    expect(await states.readAll()).toMatchObject([{ status: "ready" }]);
    await test.pool.stop();
  });

  it("does not believe what was read before the key was found dead", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answer = refused;
    const test = new TestUpstreamPool([upstream]);
    let arrive = () => {};
    test.states.delay = new Promise<void>((resolve) => (arrive = resolve));
    const reading = test.pool.maintain();
    await expect(test.ask()).rejects.toThrow();
    arrive();
    await reading;
    await expect(test.ask()).rejects.toThrow();
    expect(upstream.calls).toHaveLength(1);
  });

  it("keeps it dead here and tells the others later while the database is away", async () => {
    const states = new MemoryUpstreamStateStore();
    const upstream = new FakeUpstream("a");
    upstream.answer = refused;
    upstream.verifyError = refused.error;
    const test = new TestUpstreamPool([upstream], { states });
    await test.pool.start();
    states.failure = new Error("database is away");
    await expect(test.ask()).rejects.toThrow();
    await test.clock.advance(6_000);
    await expect(test.ask()).rejects.toMatchObject({ kind: "unauthorized" });
    expect(upstream.calls).toHaveLength(1);
    states.failure = null;
    await test.clock.advance(2_000);
    expect(await states.readAll()).toMatchObject([{ name: "a", status: "dead" }]);
    expect(test.notices).toEqual(["a: invalid_api_key"]);
    await test.pool.stop();
  });
});

describe("UpstreamPool in the hands of an operator", () => {
  it("uses no disabled key, here and elsewhere, until it is enabled", async () => {
    const [clock, states] = [new FakeClock(), new MemoryUpstreamStateStore()];
    const here = new TestUpstreamPool([new FakeUpstream("a")], { clock, states });
    const there = new TestUpstreamPool([new FakeUpstream("a")], { clock, states });
    await here.pool.disable("a");
    await there.pool.maintain();
    await expect(here.ask()).rejects.toMatchObject({ code: "model_not_available" });
    await expect(there.ask()).rejects.toMatchObject({ code: "model_not_available" });
    expect(await here.pool.describe()).toMatchObject([{ condition: { kind: "disabled" } }]);
    await there.pool.enable("a");
    await here.pool.maintain();
    expect(await here.askWho()).toBe("a");
    expect(await there.askWho()).toBe("a");
  });

  it("takes one key or all keys of an entry, and knows no others", async () => {
    const keys = ["main#1", "main#2", "mainland"].map((name) => new FakeUpstream(name));
    const { pool } = new TestUpstreamPool(keys);
    await pool.disable("main");
    const conditions = async () => (await pool.describe()).map(({ condition }) => condition.kind);
    expect(await conditions()).toEqual(["disabled", "disabled", "ready"]);
    await pool.enable("main#2");
    expect(await conditions()).toEqual(["disabled", "ready", "ready"]);
    for (const name of ["other", "", "main#3"]) {
      await expect(pool.enable(name)).rejects.toMatchObject({ code: "unknown_upstream" });
      await expect(pool.disable(name)).rejects.toMatchObject({ code: "unknown_upstream" });
      await expect(pool.check(name)).rejects.toMatchObject({ code: "unknown_upstream" });
    }
  });

  it("checks keys and their balance, revives dead ones and finds dead ones", async () => {
    const [good, bad] = [new FakeUpstream("good"), new FakeUpstream("bad")];
    good.balance = "12.30 USD";
    good.answers.push(refused);
    bad.verifyError = refused.error;
    const test = new TestUpstreamPool([good, { upstream: bad, priority: 1 }]);
    expect(await test.askWho()).toBe("bad");
    expect(await test.pool.check()).toEqual([
      { name: "good", verdict: { ok: true }, balance: "12.30 USD" },
      {
        name: "bad",
        verdict: { ok: false, problem: "invalid_api_key", isRefusal: true },
        balance: null,
      },
    ]);
    expect(await test.pool.describe()).toMatchObject([
      { condition: { kind: "ready" }, balance: "12.30 USD" },
      { condition: { kind: "dead", reason: "invalid_api_key" }, balance: null },
    ]);
    // It worked a moment ago, so that it is asked again before anybody is told.
    expect(test.notices).toEqual(["good: invalid_api_key"]);
    await test.clock.advance(3_000);
    expect(test.notices).toEqual(["good: invalid_api_key", "bad: invalid_api_key"]);
  });

  it("does not ask a cooling key, not even to check it", async () => {
    const upstream = new FakeUpstream("a");
    upstream.answer = failing("rate_limited", { retryAfterMs: 60_000 });
    const test = new TestUpstreamPool([upstream]);
    await expect(test.ask()).rejects.toThrow();
    expect(await test.pool.check("a")).toEqual([
      { name: "a", verdict: { ok: false, problem: "cooling", isRefusal: false }, balance: null },
    ]);
    expect(upstream.verifications).toBe(0);
  });

  it("saves when a key last worked and last failed", async () => {
    const upstream = new FakeUpstream("a");
    const test = new TestUpstreamPool([upstream]);
    const startedAt = test.clock.now();
    upstream.answers.push(failing("overloaded"));
    await expect(test.ask()).rejects.toThrow();
    await test.clock.advance(1_000);
    await test.ask();
    await test.pool.maintain();
    const lastOkAt = new Date(startedAt.getTime() + 1_000);
    expect(await test.states.readAll()).toMatchObject([{ lastOkAt, lastErrorAt: startedAt }]);
    const restarted = new TestUpstreamPool([new FakeUpstream("a")], test);
    await restarted.pool.maintain();
    expect(await restarted.pool.describe()).toMatchObject([{ lastOkAt, lastErrorAt: startedAt }]);
  });
});
