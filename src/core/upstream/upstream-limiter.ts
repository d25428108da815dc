/** Use counts for this long: providers limit by the minute. */
export const WINDOW_MS = 60_000;

/** A call whose process stopped renewing its lease no longer counts as running. */
export const LEASE_MS = 30_000;

/**
 * How soon to ask again while calls are running: one may end at any moment, which frees its place
 * and the tokens that it set aside and did not need.
 */
export const RUNNING_RETRY_MS = 250;

/** What a provider allows one key; `null` means without limit. */
export interface UpstreamLimits {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  /** Calls running at the same time. */
  readonly concurrent: number | null;
}

export const UNLIMITED: UpstreamLimits = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrent: null,
};

/** What a call takes from the limits: its prompt and the most it may answer. */
export interface UpstreamCost {
  readonly requests: 1;
  readonly tokens: number;
}

/** What a key has been used for in the last minute, by all workers that share the limiter. */
export interface UpstreamUse {
  readonly requests: number;
  readonly tokens: number;
  readonly inFlight: number;
}

export type UpstreamGrant =
  | {
      readonly granted: true;
      /** The smallest part of a limit that is still free after this call, from 0 to 1. */
      readonly freeShare: number;
      /** Ends the call and corrects its tokens to what it really took. Only the first time counts. */
      release(actualTokens: number): Promise<void>;
    }
  | { readonly granted: false; readonly retryAfterMs: number };

/**
 * Keeps every key within what its provider allows: requests and tokens in a sliding minute, calls
 * at a time. A call that wants more tokens than a whole minute allows is granted when the minute is
 * empty, so that it is not refused for ever.
 *
 * A granted call holds a lease of `LEASE_MS`; without `renewLeases` it lapses and its place is free
 * again, so that a killed worker takes no place with it. Throws `OutsideError` when what it keeps
 * its numbers in cannot be reached.
 */
export interface UpstreamLimiter {
  acquire(upstream: string, cost: UpstreamCost): Promise<UpstreamGrant>;
  /** Refuses every call to the key for so long; a longer wait that runs already stays. */
  coolDown(upstream: string, ms: number): Promise<void>;
  readUse(upstream: string): Promise<UpstreamUse>;
  /** Prolongs the leases of all calls that this limiter granted and that still run. */
  renewLeases(): Promise<void>;
}

/** The smallest part of any limit that is still free, from 0 to 1. */
export function freeShare(limits: UpstreamLimits, use: UpstreamUse): number {
  return Math.min(
    share(limits.requestsPerMinute, use.requests),
    share(limits.tokensPerMinute, use.tokens),
    share(limits.concurrent, use.inFlight),
  );
}

function share(limit: number | null, used: number): number {
  if (limit === null) return 1;
  return limit > used ? 1 - used / limit : 0;
}
