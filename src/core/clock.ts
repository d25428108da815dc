/** Time as the core sees it. Tests pass a clock they can move. */
export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or at once when the signal aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
