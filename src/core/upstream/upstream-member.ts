import type { Upstream } from "./upstream.ts";
import { UpstreamHealth } from "./upstream-health.ts";
import { type UpstreamLimits, WINDOW_MS } from "./upstream-limiter.ts";

/** Someone who asked this long ago no longer counts as staying with a key. */
const PERSON_STAYS_MS = 600_000;
const PEOPLE_MAX = 5_000;
/** Below this free part of its limits a key gets fewer and fewer new people. */
const FREE_SHARE_AMPLE = 0.25;

/** One key as the operator configured it for the pool. */
export interface PooledUpstream {
  readonly upstream: Upstream;
  /** How much of the traffic it gets beside others of its priority; above 0. */
  readonly weight: number;
  /** Lower is used first; others take what it has no room for. */
  readonly priority: number;
  readonly limits: UpstreamLimits;
}

/** One key with what the pool has learnt about it in this process. */
export class UpstreamMember {
  readonly upstream: Upstream;
  readonly priority: number;
  readonly limits: UpstreamLimits;
  readonly health: UpstreamHealth;
  readonly #weight: number;
  /** When each sticky key asked last, longest ago first. */
  readonly #people = new Map<string, number>();
  #freeShare = 1;
  #freeShareAtMs = 0;
  #tokensPerCall: number | null = null;

  constructor(pooled: PooledUpstream, random: () => number) {
    this.upstream = pooled.upstream;
    this.priority = pooled.priority;
    this.limits = pooled.limits;
    this.health = new UpstreamHealth(random);
    this.#weight = pooled.weight;
  }

  get name(): string {
    return this.upstream.name;
  }

  /** Running average, `null` before the first call. */
  get tokensPerCall(): number | null {
    return this.#tokensPerCall;
  }

  /** How much it draws new requests: its weight, less when its limits are nearly used up. */
  pull(nowMs: number): number {
    const elapsed = Math.min(1, Math.max(0, nowMs - this.#freeShareAtMs) / WINDOW_MS);
    const share = this.#freeShare + (1 - this.#freeShare) * elapsed;
    return this.#weight * Math.min(1, share / FREE_SHARE_AMPLE);
  }

  noteFreeShare(share: number, nowMs: number): void {
    this.#freeShare = share;
    this.#freeShareAtMs = nowMs;
  }

  noteTokens(tokens: number): void {
    const before = this.#tokensPerCall ?? tokens;
    this.#tokensPerCall = before + (tokens - before) * 0.2;
  }

  notePerson(stickyKey: string, nowMs: number): void {
    this.#people.delete(stickyKey);
    this.#people.set(stickyKey, nowMs);
    if (this.#people.size > PEOPLE_MAX) this.forgetPeople(nowMs, PEOPLE_MAX);
  }

  /** How many asked through this key in the last ten minutes. */
  countPeople(nowMs: number): number {
    this.forgetPeople(nowMs);
    return this.#people.size;
  }

  forgetPeople(nowMs: number, countMax = PEOPLE_MAX): void {
    for (const [person, atMs] of this.#people) {
      if (atMs > nowMs - PERSON_STAYS_MS && this.#people.size <= countMax) return;
      this.#people.delete(person);
    }
  }
}
