/** How much an attempt counts, in hundredths of a wrong guess. */
export const GUESS_WEIGHTS = {
  redeemed: 0,
  already_yours: 0,
  limit_per_account: 0,
  /** The card exists: its code was bought, shared or raced for, hardly guessed. */
  used: 10,
  typo: 20,
  unknown: 100,
} as const;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
export const GUESS_WINDOW_MS = 10 * MINUTE_MS;
const WEIGHT_MAX = 500;
/** An account costs nothing to make, so a new one gets fewer tries. */
const NEW_ACCOUNT_WEIGHT_MAX = 200;
const NEW_ACCOUNT_MS = DAY_MS;
const LOCK_MS_MIN = 15 * MINUTE_MS;
const LOCK_MS_MAX = DAY_MS;
/** So much from everybody together, in one window, looks like guessing with many accounts. */
export const STORM_WEIGHT = 20_000;

/** The wrong guesses of an identity or an account. */
export interface GuessCount {
  readonly weight: number;
  /** When the last guess was counted; the count is forgotten one window later. */
  readonly windowStart: Date;
  /** How often in a row it was locked: each lock lasts twice as long as the one before. */
  readonly lockCount: number;
  readonly lockedUntil: Date | null;
}

/** Until when codes are refused without a look, by the longest of several locks; else `null`. */
export function lockedUntil(counts: readonly GuessCount[], now: Date): Date | null {
  const ends = counts.flatMap((count) => count.lockedUntil?.getTime() ?? []);
  const endMs = Math.max(...ends, 0);
  return endMs > now.getTime() ? new Date(endMs) : null;
}

/**
 * Counts a wrong guess. The fifth within ten minutes (the second of an account younger than a day)
 * locks for 15 minutes, then 30, up to a day; a day without a lock forgets the earlier ones.
 */
export function countGuess(
  before: GuessCount | null,
  weight: number,
  accountCreatedAt: Date,
  now: Date,
): GuessCount {
  const nowMs = now.getTime();
  const isFresh = before === null || nowMs - before.windowStart.getTime() >= GUESS_WINDOW_MS;
  const sum = (isFresh ? 0 : before.weight) + weight;
  const isNewAccount = nowMs - accountCreatedAt.getTime() < NEW_ACCOUNT_MS;
  const lockCount = locksInARow(before, nowMs);
  if (sum < (isNewAccount ? NEW_ACCOUNT_WEIGHT_MAX : WEIGHT_MAX)) {
    const lockedUntil = lockCount === 0 ? null : (before?.lockedUntil ?? null);
    return { weight: sum, windowStart: now, lockCount, lockedUntil };
  }
  const lockMs = Math.min(LOCK_MS_MIN * 2 ** lockCount, LOCK_MS_MAX);
  return {
    weight: 0,
    windowStart: now,
    lockCount: lockCount + 1,
    lockedUntil: new Date(nowMs + lockMs),
  };
}

function locksInARow(before: GuessCount | null, nowMs: number): number {
  if (before?.lockedUntil == null) return 0;
  return nowMs - before.lockedUntil.getTime() < DAY_MS ? before.lockCount : 0;
}
