/** Sees to it that one process at a time owns a name, such as a bot. */
export interface LeaderLock {
  /**
   * Waits until the name is free and holds it; `null` when `signal` aborted first. `onLost` is
   * called when it could no longer be held: then somebody else may own the name. `onTaken` is called
   * once, when it is certain that somebody else does: not while the lock itself cannot be reached.
   */
  acquire(
    name: string,
    signal: AbortSignal,
    onLost: () => void,
    onTaken?: () => void,
  ): Promise<{ release(): Promise<void> } | null>;
}
