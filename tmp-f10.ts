import { ask } from "./test/fakes/openai-client.ts";
import { OpenAiServer } from "./test/fakes/openai-server.ts";
import { UpstreamPool } from "./src/core/upstream/upstream-pool.ts";
import { MemoryUpstreamLimiter } from "./src/core/upstream/memory-upstream-limiter.ts";
import { UNLIMITED } from "./src/core/upstream/upstream-limiter.ts";
import { DEFAULT_TIMEOUTS } from "./src/core/upstream/upstream-registry.ts";
import { createOpenAiUpstreams } from "./src/upstreams/openai-upstreams.ts";
import { MemoryUpstreamStateStore } from "./test/fakes/memory-upstream-state-store.ts";
import { systemClock } from "./src/system-clock.ts";
const keys = Array.from({ length: 8 }, (_, i) => `sk-${i}`);
const log: any = { debug() {}, info() {}, warn() {}, error() {}, child() { return log; } };
for (const fault of [{ status: 500 }, { status: 429, retryAfterMs: "100" }, { status: 429, retryAfter: "1" }, { status: 401, code: "invalid_api_key" }]) {
  await using server = await OpenAiServer.start({ keys });
  server.behaviour = { fault: { type: "status", ...fault }, probability: 0.3 };
  const ups = createOpenAiUpstreams([{ name: "m", baseUrl: server.url, keys, models: { small: "gpt-test" }, weight: 1, priority: 0, proxy: null, limits: { ...UNLIMITED, concurrent: 8 }, timeouts: DEFAULT_TIMEOUTS, balance: null }]);
  const pool = new UpstreamPool(ups.upstreams, { limiter: new MemoryUpstreamLimiter(ups.limits, systemClock), states: new MemoryUpstreamStateStore(), clock: systemClock, log, onKeyDead: async () => {}, random: Math.random });
  let asked = 0, ok = 0; const errors: Record<string, number> = {}; const N = fault.retryAfter ? 300 : 5000; const t = performance.now();
  await Promise.all(Array.from({ length: 16 }, async () => { while (asked < N) { asked++; try { let d = false; for await (const e of pool.complete(ask({ stickyKey: `p${asked % 500}` }), new AbortController().signal)) d ||= e.type === "done"; if (d) ok++; } catch (e: any) { errors[e.message] = (errors[e.message] ?? 0) + 1; } } }));
  const tries = keys.reduce((s, k) => s + server.countersOf(k).requests, 0);
  console.log(JSON.stringify(fault), ok, "of", N, "tries/call", (tries / N).toFixed(2), `${((performance.now() - t) / 1000).toFixed(1)} s`, errors);
  await pool.stop(); await ups.stop();
}
