/** Time as the core sees it. Tests pass a clock they can move. */
export interface Clock {
  now(): Date;
  /** Milliseconds since some moment; goes on evenly when somebody sets the machine's time. */
  elapsedMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
