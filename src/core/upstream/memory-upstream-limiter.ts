import type { Clock } from "../clock.ts";
import {
  freeShare,
  LEASE_MS,
  RUNNING_RETRY_MS,
  UNLIMITED,
  type UpstreamCost,
  type UpstreamGrant,
  type UpstreamLimiter,
  type UpstreamLimits,
  type UpstreamUse,
  WINDOW_MS,
} from "./upstream-limiter.ts";

/** Calls that left the minute are cut off the list when there are so many of them. */
const FORGOTTEN_MAX = 1_000;

/** Limits the keys of one process. Nothing of a call stays once it left the minute. */
export class MemoryUpstreamLimiter implements UpstreamLimiter {
  readonly #limits: ReadonlyMap<string, UpstreamLimits>;
  readonly #clock: Clock;
  readonly #uses = new Map<string, KeyUse>();

  /** A key that `limits` does not name has none. */
  constructor(limits: ReadonlyMap<string, UpstreamLimits>, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  async acquire(upstream: string, cost: UpstreamCost): Promise<UpstreamGrant> {
    const use = this.#useOf(upstream);
    const retryAfterMs = use.waitFor(cost.tokens, this.#nowMs());
    if (retryAfterMs > 0) return { granted: false, retryAfterMs };
    const call = use.begin(cost.tokens, this.#nowMs());
    return {
      granted: true,
      freeShare: use.freeShare(),
      release: async (actualTokens) => use.end(call, actualTokens, this.#nowMs()),
    };
  }

  async coolDown(upstream: string, ms: number): Promise<void> {
    this.#useOf(upstream).coolUntil(this.#nowMs() + ms);
  }

  async readUse(upstream: string): Promise<UpstreamUse> {
    return this.#useOf(upstream).read(this.#nowMs());
  }

  async renewLeases(): Promise<void> {
    for (const use of this.#uses.values()) use.renewLeases(this.#nowMs());
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }

  #useOf(upstream: string): KeyUse {
    const known = this.#uses.get(upstream);
    if (known !== undefined) return known;
    const use = new KeyUse(this.#limits.get(upstream) ?? UNLIMITED);
    this.#uses.set(upstream, use);
    return use;
  }
}

interface Call {
  readonly startedAtMs: number;
  tokens: number;
}

/** The calls of one key within the minute, oldest first, and those that still run. */
class KeyUse {
  readonly #limits: UpstreamLimits;
  /** Running calls and when their leases lapse. */
  readonly #running = new Map<Call, number>();
  #calls: Call[] = [];
  /** How many at the front of `#calls` have left the minute. */
  #forgotten = 0;
  #tokens = 0;
  #coolUntilMs = 0;

  constructor(limits: UpstreamLimits) {
    this.#limits = limits;
  }

  /** 0 when a call may begin now. */
  waitFor(tokens: number, nowMs: number): number {
    this.#forgetOld(nowMs);
    return Math.max(
      this.#coolUntilMs - nowMs,
      this.#requestsWait(nowMs),
      this.#tokensWait(tokens, nowMs),
      this.#concurrencyWait(nowMs),
    );
  }

  begin(tokens: number, nowMs: number): Call {
    const call: Call = { startedAtMs: nowMs, tokens };
    this.#calls.push(call);
    this.#tokens += tokens;
    this.#running.set(call, nowMs + LEASE_MS);
    return call;
  }

  end(call: Call, actualTokens: number, nowMs: number): void {
    if (!this.#running.delete(call)) return;
    this.#forgetOld(nowMs);
    if (!hasLeftMinute(call, nowMs)) this.#tokens += actualTokens - call.tokens;
    call.tokens = actualTokens;
  }

  coolUntil(timeMs: number): void {
    this.#coolUntilMs = Math.max(this.#coolUntilMs, timeMs);
  }

  read(nowMs: number): UpstreamUse {
    this.#forgetOld(nowMs);
    this.#dropLapsed(nowMs);
    return this.#summary();
  }

  freeShare(): number {
    return freeShare(this.#limits, this.#summary());
  }

  renewLeases(nowMs: number): void {
    this.#dropLapsed(nowMs);
    for (const call of this.#running.keys()) this.#running.set(call, nowMs + LEASE_MS);
  }

  #summary(): UpstreamUse {
    const requests = this.#calls.length - this.#forgotten;
    return { requests, tokens: this.#tokens, inFlight: this.#running.size };
  }

  #requestsWait(nowMs: number): number {
    const limit = this.#limits.requestsPerMinute;
    if (limit === null || this.#calls.length - this.#forgotten < limit) return 0;
    const blocking = this.#calls[this.#calls.length - limit];
    return blocking === undefined ? WINDOW_MS : blocking.startedAtMs + WINDOW_MS - nowMs;
  }

  #tokensWait(tokens: number, nowMs: number): number {
    const limit = this.#limits.tokensPerMinute;
    if (limit === null) return 0;
    let free = limit - this.#tokens;
    const wanted = Math.min(tokens, limit);
    if (free >= wanted) return 0;
    let waitMs = WINDOW_MS;
    for (let index = this.#forgotten; free < wanted; index += 1) {
      const call = this.#calls[index];
      if (call === undefined) break;
      free += call.tokens;
      waitMs = call.startedAtMs + WINDOW_MS - nowMs;
    }
    return this.#running.size > 0 ? Math.min(waitMs, RUNNING_RETRY_MS) : waitMs;
  }

  #concurrencyWait(nowMs: number): number {
    const limit = this.#limits.concurrent;
    if (limit === null || this.#running.size < limit) return 0;
    this.#dropLapsed(nowMs);
    return this.#running.size < limit ? 0 : RUNNING_RETRY_MS;
  }

  #forgetOld(nowMs: number): void {
    let oldest = this.#calls[this.#forgotten];
    while (oldest !== undefined && hasLeftMinute(oldest, nowMs)) {
      this.#tokens -= oldest.tokens;
      this.#forgotten += 1;
      oldest = this.#calls[this.#forgotten];
    }
    if (this.#forgotten < FORGOTTEN_MAX) return;
    this.#calls = this.#calls.slice(this.#forgotten);
    this.#forgotten = 0;
  }

  #dropLapsed(nowMs: number): void {
    for (const [call, leaseUntilMs] of this.#running) {
      if (leaseUntilMs <= nowMs) this.#running.delete(call);
    }
  }
}

/** A call from far in the future has left too: the clock was set back. */
function hasLeftMinute(call: Call, nowMs: number): boolean {
  return Math.abs(nowMs - call.startedAtMs) >= WINDOW_MS;
}
