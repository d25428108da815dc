import type { Sweep } from "../workers/periodic.ts";
import type { Core } from "./create-core.ts";
import type { Stores } from "./create-stores.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const LIMIT = 500;

/** What runs on a timer in every process; each may run in several processes at once. */
export function createSweeps(stores: Stores, core: Core): Sweep[] {
  return [
    { name: "heartbeat", intervalMs: 5 * SECOND_MS, run: () => core.heartbeat.beat() },
    { name: "dispatch", intervalMs: 2 * SECOND_MS, run: () => core.dispatcher.sweep() },
    { name: "notices", intervalMs: 5 * SECOND_MS, run: () => core.notices.sweep() },
    // An index-only look at a bounded part of each batch.
    { name: "low stock", intervalMs: 30 * SECOND_MS, run: () => core.lowStock.sweep() },
    { name: "incidents", intervalMs: 30 * SECOND_MS, run: () => core.incidents.sweep() },
    { name: "settings", intervalMs: 5 * SECOND_MS, run: () => core.runtime.refresh() },
    {
      name: "waiting holds",
      intervalMs: MINUTE_MS,
      run: () => stores.upkeep.renewWaitingHolds(),
    },
    {
      name: "lapsed holds",
      intervalMs: 10 * SECOND_MS,
      run: () => untilDone(() => stores.patient.ledger.releaseLapsedHolds(LIMIT)),
    },
    {
      name: "ended lots",
      intervalMs: MINUTE_MS,
      run: () => untilDone(() => stores.patient.ledger.expireLots(LIMIT)),
    },
    {
      name: "old guesses",
      intervalMs: 10 * MINUTE_MS,
      run: () => untilDone(() => stores.cards.forgetOldGuesses(LIMIT)),
    },
    { name: "old events", intervalMs: 10 * MINUTE_MS, run: () => stores.upkeep.prune() },
  ];
}

/** In portions, so that no statement locks many rows for long. */
async function untilDone(sweep: () => Promise<number>): Promise<void> {
  while ((await sweep()) === LIMIT) {
    // Another portion waits.
  }
}
