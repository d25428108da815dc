import { expect, it } from "vitest";
import { hasRedisServer } from "../fakes/redis-server.ts";
import type { Fault } from "./fault.ts";
import type { Backend } from "./machine.ts";
import { replayCommand, runFault } from "./run-faults.ts";

/** Always the same numbers, so that a run that fails can be looked into; the command takes other ones. */
const SEED = 1;
const TIMEOUT_MS = 240_000;

/** A test that does the short dose of a fault and finds that everything holds. */
export function itHoldsAgainst(fault: Fault, backend: Backend): void {
  const needsRedis = backend === "redis" || fault.needsRedis === true;
  const where = fault.onBothQueues ? `, queue on ${backend}` : "";
  it.skipIf(needsRedis && !hasRedisServer())(
    `holds against ${fault.id}: ${fault.title}${where}`,
    { timeout: TIMEOUT_MS },
    async () => {
      const finding = await runFault(fault, { backend, seed: SEED, dose: "short" });
      const again = replayCommand(fault, { backend, seed: SEED, dose: "short" });
      expect(finding.problems, `${finding.seen}; again: ${again}`).toEqual([]);
    },
  );
}
