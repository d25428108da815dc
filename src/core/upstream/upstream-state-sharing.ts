import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { UpstreamMember } from "./upstream-member.ts";
import type { UpstreamState, UpstreamStateStore } from "./upstream-state-store.ts";

const RECORD_EVERY_MS = 30_000;

/** Told once when a key stops working; `reason` is a provider's error code. */
export type OnKeyDead = (name: string, reason: string) => Promise<void>;

export interface SharingParts {
  readonly states: UpstreamStateStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onKeyDead: OnKeyDead;
}

/** What is remembered of one key while its state goes to and fro. */
interface Link {
  stored: UpstreamState | null;
  /** Writes under way: until they end, what a read brings is older than what we know. */
  writes: number;
  /** The number of the last finished write. */
  writtenAt: number;
  /** The store could not be told yet that the key is dead. */
  unsavedReason: string | null;
  recordedUntilMs: number;
}

/** Keeps the health of a pool's keys and the shared store of their states in step, both ways. */
export class UpstreamStateSharing {
  readonly #parts: SharingParts;
  readonly #links = new Map<UpstreamMember, Link>();
  /** Counts finished writes, to tell whether a read began before or after one. */
  #writeCount = 0;
  #isReading = false;
  #recordAtMs = 0;

  constructor(members: readonly UpstreamMember[], parts: SharingParts) {
    this.#parts = parts;
    for (const member of members) {
      this.#links.set(member, {
        stored: null,
        writes: 0,
        writtenAt: 0,
        unsavedReason: null,
        recordedUntilMs: 0,
      });
    }
  }

  /** What the store last said; `null` before the first read and for a key it does not know. */
  stored(member: UpstreamMember): UpstreamState | null {
    return this.#linkOf(member).stored;
  }

  /** Takes over what other workers found out. */
  async read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const readFrom = this.#writeCount;
    try {
      await this.#saveUnsaved();
      const states = await this.#parts.states.readAll();
      const byName = new Map(states.map((state) => [state.name, state]));
      for (const member of this.#links.keys())
        this.#adopt(member, byName.get(member.name), readFrom);
    } finally {
      this.#isReading = false;
    }
  }

  async sayDead(member: UpstreamMember, reason: string): Promise<void> {
    const { log, states, onKeyDead } = this.#parts;
    const link = this.#linkOf(member);
    if (link.unsavedReason === null) {
      log.warn({ upstream: member.name, reason }, "upstream key is dead");
    }
    link.unsavedReason = reason;
    const isNews = await this.#write(link, () => states.markDead(member.name, reason));
    link.unsavedReason = null;
    if (isNews) await onKeyDead(member.name, reason);
  }

  async sayReady(member: UpstreamMember): Promise<void> {
    this.#parts.log.info({ upstream: member.name }, "upstream key works again");
    const link = this.#linkOf(member);
    link.unsavedReason = null;
    await this.#write(link, () => this.#parts.states.markReady(member.name));
  }

  /** Throws when the store does not take it: the operator must know. */
  async setDisabled(member: UpstreamMember, isDisabled: boolean): Promise<void> {
    const link = this.#linkOf(member);
    await this.#write(link, () => this.#parts.states.setDisabled(member.name, isDisabled));
    link.unsavedReason = null;
    member.health.setDisabled(isDisabled);
    if (!isDisabled) member.health.markReady();
  }

  /** Saves when keys last worked and last failed, at most twice a minute. */
  async recordUse(): Promise<void> {
    const nowMs = this.#parts.clock.now().getTime();
    if (nowMs < this.#recordAtMs) return;
    this.#recordAtMs = nowMs + RECORD_EVERY_MS;
    for (const [member, link] of this.#links) {
      const { lastOk, lastError } = member.health;
      const latestMs = Math.max(lastOk?.getTime() ?? 0, lastError?.getTime() ?? 0);
      if (latestMs <= link.recordedUntilMs) continue;
      await this.#parts.states.recordUse(member.name, lastOk, lastError);
      link.recordedUntilMs = latestMs;
    }
  }

  async #saveUnsaved(): Promise<void> {
    for (const [member, link] of this.#links) {
      if (link.unsavedReason !== null && link.writes === 0) {
        await this.sayDead(member, link.unsavedReason);
      }
    }
  }

  #adopt(member: UpstreamMember, state: UpstreamState | undefined, readFrom: number): void {
    const link = this.#linkOf(member);
    const { health } = member;
    if (link.writes > 0 || link.writtenAt > readFrom || health.isSuspect) return;
    link.stored = state ?? null;
    health.setDisabled(state?.status === "disabled");
    if (state?.status === "dead") health.markDead(state.reason ?? "unauthorized");
    else if (health.deadReason !== null) health.markReady();
  }

  async #write<T>(link: Link, write: () => Promise<T>): Promise<T> {
    link.writes += 1;
    try {
      return await write();
    } finally {
      link.writes -= 1;
      this.#writeCount += 1;
      link.writtenAt = this.#writeCount;
    }
  }

  #linkOf(member: UpstreamMember): Link {
    const link = this.#links.get(member);
    if (link === undefined) throw new Error(`Not an upstream of this pool: ${member.name}`);
    return link;
  }
}
