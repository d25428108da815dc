import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;

/** Resolves with the first value that is neither `undefined`, `null` nor `false`; throws when none came. */
export async function waitFor<Value>(
  what: string,
  look: () => Value | Promise<Value>,
  limitMs: number,
  pollMs = POLL_MS,
): Promise<Exclude<Value, undefined | null | false>> {
  for (const endMs = performance.now() + limitMs; ; ) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) {
      return found as Exclude<Value, undefined | null | false>;
    }
    if (performance.now() > endMs) throw new Error(`in ${limitMs} ms it did not happen: ${what}`);
    await sleep(pollMs);
  }
}

/** The smallest of the values that at least `share` of them do not exceed; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
