import type { Health, PartStatus } from "../http/health.ts";
import type { ReplyWorkers } from "../workers/worker-process.ts";
import type { BotOwner } from "./bot-owner.ts";
import type { Stores } from "./create-stores.ts";

/** How every part of this process is doing, for /readyz. */
export async function readHealth(of: {
  readonly isStopping: boolean;
  readonly stores: Stores;
  readonly workers: ReplyWorkers;
  readonly owners: readonly BotOwner[];
}): Promise<Health> {
  const [database, queue] = await Promise.all([of.stores.isHealthy(), of.workers.isHealthy()]);
  const parts: Record<string, PartStatus> = {
    database: database ? "up" : "down: the database does not answer",
    queue: queue ? "up" : "down: the queue does not answer",
  };
  if (of.isStopping) parts.process = "down: stopping";
  for (const { adapter, state } of of.owners) {
    const { platform, problem } = adapter;
    if (state === "starting") parts[platform] = "starting";
    else if (problem === null && adapter.isWaitingForLogin) parts[platform] = "waiting for login";
    // A standby is well: another process does the work.
    else parts[platform] = state === "owner" && problem !== null ? `down: ${problem}` : "up";
  }
  const ready = Object.values(parts).every(
    (status) => status === "up" || status === "waiting for login",
  );
  return { ready, parts };
}
