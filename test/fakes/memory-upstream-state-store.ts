import type {
  UpstreamState,
  UpstreamStateStore,
} from "../../src/core/upstream/upstream-state-store.ts";

/** The states of keys in memory; several pools may share one, as workers share a database. */
export class MemoryUpstreamStateStore implements UpstreamStateStore {
  readonly #states = new Map<string, UpstreamState>();
  /** Thrown by every call while it is set: the database is away. */
  failure: Error | null = null;
  /** What `readAll` waits for before it gives what it has read. */
  delay: Promise<void> | null = null;

  async readAll(): Promise<readonly UpstreamState[]> {
    this.#failIfAway();
    const states = [...this.#states.values()];
    await this.delay;
    return states;
  }

  async markDead(name: string, reason: string): Promise<boolean> {
    this.#failIfAway();
    const state = this.#stateOf(name);
    if (state.status !== "ready") return false;
    this.#states.set(name, { ...state, status: "dead", reason });
    return true;
  }

  async markReady(name: string): Promise<void> {
    this.#failIfAway();
    const state = this.#states.get(name);
    if (state?.status !== "dead") return;
    this.#states.set(name, { ...state, status: "ready", reason: null });
  }

  async setDisabled(name: string, isDisabled: boolean): Promise<void> {
    this.#failIfAway();
    const status = isDisabled ? "disabled" : "ready";
    this.#states.set(name, { ...this.#stateOf(name), status, reason: null });
  }

  async recordUse(name: string, lastOkAt: Date | null, lastErrorAt: Date | null): Promise<void> {
    this.#failIfAway();
    const state = this.#stateOf(name);
    this.#states.set(name, {
      ...state,
      lastOkAt: later(state.lastOkAt, lastOkAt),
      lastErrorAt: later(state.lastErrorAt, lastErrorAt),
    });
  }

  #stateOf(name: string): UpstreamState {
    const known = this.#states.get(name);
    return known ?? { name, status: "ready", reason: null, lastOkAt: null, lastErrorAt: null };
  }

  #failIfAway(): void {
    if (this.failure !== null) throw this.failure;
  }
}

function later(known: Date | null, told: Date | null): Date | null {
  if (known === null || told === null) return known ?? told;
  return told > known ? told : known;
}
