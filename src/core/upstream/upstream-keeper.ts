import type { Clock } from "../clock.ts";
import { OutsideError } from "../errors.ts";
import type { BackgroundJobs } from "./background-jobs.ts";
import type { FailureEffect } from "./upstream-condition.ts";
import { UpstreamError } from "./upstream-error.ts";
import { LEASE_MS, type UpstreamLimiter } from "./upstream-limiter.ts";
import type { UpstreamMember } from "./upstream-member.ts";
import type { UpstreamStateSharing } from "./upstream-state-sharing.ts";

const MAINTAIN_EVERY_MS = 2_000;
const RENEW_EVERY_MS = LEASE_MS / 3;
/** A key refused for no reason of money is tried again soon: providers refuse by mistake. */
const VERIFY_SOON_MS = [2_000, 15_000, 60_000, 300_000];
const VERIFY_EVERY_MS = 600_000;
/**
 * The pauses between refusals that a key which just worked must get, all of them, before it is taken
 * for dead. With three of ten calls refused by mistake fewer would lose all keys of a pool in a minute.
 */
const CONFIRM_PAUSES_MS = [0, 500, 500, 1_000, 1_000];
/** A look that fails for another reason tells nothing; after so many the key is given another chance. */
const LOOKS_MAX = 12;
const UNCLEAR_PAUSE_MS = 500;
/** What the smallest possible question takes from a key's limits. */
const VERIFY_TOKENS = 64;

export interface KeeperParts {
  readonly sharing: UpstreamStateSharing;
  readonly limiter: UpstreamLimiter;
  readonly jobs: BackgroundJobs;
  readonly clock: Clock;
}

export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly problem: string;
      /** The provider refused the key; else something else was in the way. */
      readonly isRefusal: boolean;
    };

/** When a dead key is verified next. Kept only while the key is dead. */
interface Recovery {
  atMs: number;
  /** How many verifications follow soon; the rest come every ten minutes. */
  readonly soonMs: number[];
  isRunning: boolean;
}

/**
 * Looks after the keys of a pool in the background: renews the leases of running calls, takes over
 * what other workers found out, and verifies dead keys until they work again.
 */
export class UpstreamKeeper {
  readonly #members: readonly UpstreamMember[];
  readonly #parts: KeeperParts;
  readonly #recoveries = new Map<UpstreamMember, Recovery>();
  readonly #stopping = new AbortController();
  #renewAtMs = 0;
  #hasStarted = false;

  constructor(members: readonly UpstreamMember[], parts: KeeperParts) {
    this.#members = members;
    this.#parts = parts;
  }

  /** Reads the shared states once, then goes on until `stop`. The clock's sleep must take time. */
  async start(): Promise<void> {
    await this.maintain();
    this.#parts.jobs.run(async () => {
      while (!this.#stopping.signal.aborted) {
        await this.#parts.clock.sleep(MAINTAIN_EVERY_MS, this.#stopping.signal);
        // Not awaited: a store that hangs must not keep leases from being renewed.
        this.#parts.jobs.run(() => this.maintain());
      }
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** One round of care. `start` does it every two seconds. */
  async maintain(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { jobs, sharing } = this.#parts;
    for (const member of this.#members) member.forgetPeople(this.#nowMs());
    await Promise.all([
      jobs.attempt(() => this.#renewLeases()),
      jobs.attempt(() => sharing.read()),
      jobs.attempt(() => sharing.recordUse()),
    ]);
    for (const member of this.#members) this.#recover(member);
    this.#hasStarted = true;
  }

  /** Passes on to other workers what a failed call did to its key. Returns at once. */
  failed(member: UpstreamMember, effect: FailureEffect): void {
    const { jobs, limiter } = this.#parts;
    if (effect.kind === "cooling") jobs.run(() => limiter.coolDown(member.name, effect.ms));
    if (effect.kind === "suspect") jobs.run(() => this.#confirm(member, effect.reason));
    if (effect.kind === "dead") this.#declareDead(member, effect.reason, effect.mayBeMistake);
  }

  /** Asks the provider whether the key works and acts on the answer. Never calls a cooling key. */
  async verify(member: UpstreamMember, signal: AbortSignal): Promise<Verdict> {
    const { health } = member;
    const { kind } = health.condition(this.#nowMs());
    if (kind === "cooling" || kind === "probing")
      return { ok: false, problem: kind, isRefusal: false };
    const cost = { requests: 1, tokens: VERIFY_TOKENS } as const;
    const grant = await this.#parts.limiter.acquire(member.name, cost);
    if (!grant.granted) return { ok: false, problem: "busy", isRefusal: false };
    const wasDead = health.deadReason !== null && !health.isSuspect;
    const call = health.begin(this.#nowMs());
    try {
      await member.upstream.verify(signal);
      health.succeeded(call, null, this.#nowMs());
      health.markReady();
      if (wasDead) this.#parts.jobs.run(() => this.#parts.sharing.sayReady(member));
      return { ok: true };
    } catch (error) {
      if (!(error instanceof OutsideError)) {
        health.abandoned(call);
        throw error;
      }
      this.failed(member, health.failed(call, error, "", this.#nowMs()));
      const problem = (error instanceof UpstreamError && error.code) || error.kind;
      const isRefusal = error.kind === "unauthorized" || error.kind === "quota";
      return { ok: false, problem, isRefusal };
    } finally {
      this.#parts.jobs.run(() => grant.release(VERIFY_TOKENS));
    }
  }

  /** Providers refuse good keys now and then: one that just worked is dead when it is refused again and again. */
  async #confirm(member: UpstreamMember, reason: string): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stopping;
    const pauses = [...CONFIRM_PAUSES_MS];
    for (let look = 0; look < LOOKS_MAX && pauses.length > 0; look += 1) {
      const pauseMs = pauses[0] ?? 0;
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      if (signal.aborted || !member.health.isSuspect) return;
      const verdict = await this.verify(member, signal);
      if (verdict.ok) return;
      if (verdict.isRefusal) pauses.shift();
      // Else nothing would pass between two looks.
      else if (pauseMs === 0) await clock.sleep(UNCLEAR_PAUSE_MS, signal);
    }
    if (pauses.length > 0) {
      member.health.markReady();
      return;
    }
    member.health.markDead(reason);
    this.#declareDead(member, reason, true);
  }

  #declareDead(member: UpstreamMember, reason: string, mayBeMistake: boolean): void {
    const recovery = { atMs: 0, soonMs: mayBeMistake ? [...VERIFY_SOON_MS] : [], isRunning: false };
    this.#postpone(recovery);
    this.#recoveries.set(member, recovery);
    this.#parts.jobs.run(() => this.#parts.sharing.sayDead(member, reason));
  }

  async #renewLeases(): Promise<void> {
    if (this.#nowMs() < this.#renewAtMs) return;
    this.#renewAtMs = this.#nowMs() + RENEW_EVERY_MS;
    await this.#parts.limiter.renewLeases();
  }

  #recover(member: UpstreamMember): void {
    if (member.health.deadReason === null) this.#recoveries.delete(member);
    const { deadReason, isDisabled, isSuspect } = member.health;
    if (deadReason === null || isDisabled || isSuspect) return;
    const recovery = this.#recoveries.get(member) ?? this.#recoveryOfKnown(member);
    if (recovery.isRunning || this.#nowMs() < recovery.atMs) return;
    recovery.isRunning = true;
    this.#parts.jobs.run(async () => {
      await this.#parts.jobs.attempt(async () => {
        await this.verify(member, this.#stopping.signal);
      });
      recovery.isRunning = false;
      this.#postpone(recovery);
    });
  }

  /** Another worker found the key dead. At the start it may have been long ago, so look at once. */
  #recoveryOfKnown(member: UpstreamMember): Recovery {
    const atMs = this.#hasStarted ? this.#nowMs() + VERIFY_EVERY_MS : 0;
    const recovery = { atMs, soonMs: [], isRunning: false };
    this.#recoveries.set(member, recovery);
    return recovery;
  }

  #postpone(recovery: Recovery): void {
    recovery.atMs = this.#nowMs() + (recovery.soonMs.shift() ?? VERIFY_EVERY_MS);
  }

  #nowMs(): number {
    return this.#parts.clock.now().getTime();
  }
}
