import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryUpstreamLimiter } from "../../src/core/upstream/memory-upstream-limiter.ts";
import { UNLIMITED } from "../../src/core/upstream/upstream-limiter.ts";
import { UpstreamPool } from "../../src/core/upstream/upstream-pool.ts";
import { DEFAULT_TIMEOUTS, type UpstreamEntry } from "../../src/core/upstream/upstream-registry.ts";
import { systemClock } from "../../src/system-clock.ts";
import {
  createOpenAiUpstreams,
  type OpenAiUpstreams,
} from "../../src/upstreams/openai-upstreams.ts";
import { MemoryUpstreamStateStore } from "../fakes/memory-upstream-state-store.ts";
import { ask, readAnswer } from "../fakes/openai-client.ts";
import { OpenAiServer } from "../fakes/openai-server.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const KEYS = Array.from({ length: 8 }, (_, index) => `sk-${index + 1}`);

const entry = (changes: Partial<UpstreamEntry> = {}): UpstreamEntry => ({
  name: "main",
  baseUrl: "http://127.0.0.1:1/v1",
  keys: ["sk-1"],
  models: { small: "gpt-test" },
  weight: 1,
  priority: 0,
  proxy: null,
  limits: UNLIMITED,
  timeouts: DEFAULT_TIMEOUTS,
  balance: null,
  ...changes,
});

describe("createOpenAiUpstreams", () => {
  it("names each key of an entry, and gives each the limits of the entry", async () => {
    const limits = { ...UNLIMITED, concurrent: 5 };
    const {
      upstreams,
      limits: all,
      stop,
    } = createOpenAiUpstreams([
      entry({ keys: ["sk-1", "sk-2", "sk-1"], limits, weight: 3, priority: 1 }),
      entry({ name: "spare" }),
    ]);
    expect(upstreams.map(({ upstream }) => upstream.name)).toEqual(["main#1", "main#2", "spare"]);
    expect([...all]).toEqual([
      ["main#1", limits],
      ["main#2", limits],
      ["spare", UNLIMITED],
    ]);
    expect(upstreams[1]).toMatchObject({ weight: 3, priority: 1, limits });
    await stop();
  });

  it("takes no two upstreams of the same name and no unknown proxy", () => {
    expect(() => createOpenAiUpstreams([entry(), entry()])).toThrow("same name: main");
    expect(() => createOpenAiUpstreams([entry({ proxy: "ftp://127.0.0.1" })])).toThrow("proxy");
  });
});

describe("a pool of OpenAI upstreams", () => {
  let server: OpenAiServer;
  let upstreams: OpenAiUpstreams;
  let pool: UpstreamPool;
  const start = (...entries: readonly Partial<UpstreamEntry>[]) => {
    upstreams = createOpenAiUpstreams(
      entries.map((changes) => entry({ baseUrl: server.url, ...changes })),
    );
    pool = new UpstreamPool(upstreams.upstreams, {
      limiter: new MemoryUpstreamLimiter(upstreams.limits, systemClock),
      states: new MemoryUpstreamStateStore(),
      clock: systemClock,
      log: new RecordedLog(),
      onKeyDead: async () => {},
      random: Math.random,
    });
  };
  beforeEach(async () => {
    server = await OpenAiServer.start({ keys: KEYS });
  });
  afterEach(async () => {
    await pool.stop();
    await upstreams.stop();
    await server[Symbol.asyncDispose]();
  });
  /** Asks so many questions, sixteen at a time, and counts the right answers. */
  const askMany = async (count: number): Promise<number> => {
    let asked = 0;
    let right = 0;
    const askOn = async () => {
      while (asked < count) {
        asked += 1;
        const request = ask({ stickyKey: `person ${asked}` });
        let text = "";
        try {
          for await (const event of pool.complete(request, new AbortController().signal)) {
            if (event.type === "delta") text += event.text;
          }
          if (text === "the quick brown fox jumps over a lazy dog while") right += 1;
        } catch {
          // Counted as not right.
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, askOn));
    return right;
  };
  const tries = () => KEYS.reduce((sum, key) => sum + server.countersOf(key).requests, 0);

  it.each([
    ["429", { status: 429, retryAfterMs: "20" }],
    ["500", { status: 500 }],
  ] as const)(
    "answers everyone while three of ten calls to each key end with %s",
    async (_, fault) => {
      start({ keys: KEYS, limits: { ...UNLIMITED, concurrent: 4 } });
      server.behaviour = { fault: { type: "status", ...fault }, probability: 0.3 };
      expect(await askMany(400)).toBeGreaterThanOrEqual(399);
      expect(tries() / 400).toBeLessThan(1.6);
      for (const key of KEYS) expect(server.countersOf(key).inFlightMax).toBeLessThanOrEqual(4);
    },
  );

  it("has keys that are refused, without money or down out of use soon and for good", async () => {
    start({ keys: KEYS });
    server.keys.delete("sk-2");
    server.behaviours.set("sk-4", {
      fault: { type: "status", status: 429, code: "insufficient_quota" },
    });
    server.behaviours.set("sk-6", { fault: { type: "status", status: 503 } });
    const badCalls = () => {
      return ["sk-2", "sk-4", "sk-6"].map((key) => server.countersOf(key).requests);
    };
    // Sixteen ask at the same time, so that each may have been called by so many when it fell out.
    expect(await askMany(100)).toBe(100);
    const callsBefore = badCalls();
    for (const calls of callsBefore) expect(calls).toBeLessThanOrEqual(16);
    expect(await askMany(300)).toBe(300);
    expect(badCalls()).toEqual(callsBefore);
    const conditions = (await pool.describe()).map(({ condition }) => condition.kind);
    expect([conditions[1], conditions[3], conditions[5]]).toEqual(["dead", "dead", "circuit_open"]);
  });

  it("asks another key when one hangs before its first byte", async () => {
    const timeouts = { ...DEFAULT_TIMEOUTS, firstByteMs: 80 };
    start({ name: "a", keys: ["sk-1"], timeouts }, { name: "b", keys: ["sk-2"], priority: 1 });
    server.behaviours.set("sk-1", { fault: { type: "hang" } });
    const { text, events, error } = await readAnswer(upstreamOf(pool));
    expect(error).toBeNull();
    expect(text).toMatch(/^the quick/);
    expect(events[0]).toMatchObject({ source: { upstream: "b" } });
    expect(server.countersOf("sk-1")).toMatchObject({ requests: 1, tokens: 0 });
  });

  it("says that the answer was cut, and asks no other key", async () => {
    start({ name: "a", keys: ["sk-1"] }, { name: "b", keys: ["sk-2"], priority: 1 });
    server.behaviours.set("sk-1", { fault: { type: "cut", at: 3 } });
    const { text, error } = await readAnswer(upstreamOf(pool));
    expect(error).toMatchObject({ kind: "cut", party: "a" });
    expect(text).toBe("the quick brown");
    expect(server.countersOf("sk-2").requests).toBe(0);
  });
});

/** So that a pool can be read as an upstream is. */
function upstreamOf(pool: UpstreamPool) {
  return {
    name: "pool",
    models: new Set(["small"]),
    complete: pool.complete.bind(pool),
    verify: async () => {},
    readBalance: async () => null,
  };
}
