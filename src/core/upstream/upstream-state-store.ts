/** What all workers know of a key: whether it is in use and how it did last. */
export interface UpstreamState {
  readonly name: string;
  readonly status: "ready" | "dead" | "disabled";
  /** Why it is dead: a provider's error code. */
  readonly reason: string | null;
  readonly lastOkAt: Date | null;
  readonly lastErrorAt: Date | null;
}

/**
 * Shares the states of keys between workers and keeps them over restarts. It never sees the keys
 * themselves. A key that it does not know is ready.
 */
export interface UpstreamStateStore {
  readAll(): Promise<readonly UpstreamState[]>;
  /**
   * A ready key becomes dead. Returns whether this call did it: of several workers that notice at
   * the same time one is told, and it gives notice. A disabled key stays disabled.
   */
  markDead(name: string, reason: string): Promise<boolean>;
  /** A dead key becomes ready. A disabled key stays disabled. */
  markReady(name: string): Promise<void>;
  /** An operator's word: disabled, or ready again whatever it was. */
  setDisabled(name: string, isDisabled: boolean): Promise<void>;
  /** Times only move forward; `null` leaves what is known. */
  recordUse(name: string, lastOkAt: Date | null, lastErrorAt: Date | null): Promise<void>;
}
