import type { Fault } from "../fault.ts";
import { brokenStreams } from "./broken-streams.ts";
import { cardRace } from "./card-race.ts";
import { clockJumps } from "./clock-jumps.ts";
import { faultPoints } from "./fault-points.ts";
import { flakyKeys } from "./flaky-keys.ts";
import { fullDisk } from "./full-disk.ts";
import { gatewayKills } from "./gateway-kills.ts";
import { hangingUpstream } from "./hanging-upstream.ts";
import { heldLocks } from "./held-locks.ts";
import { hostileInput } from "./hostile-input.ts";
import { missingUsage } from "./missing-usage.ts";
import { postgresOutage } from "./postgres-outage.ts";
import { redisOutage } from "./redis-outage.ts";
import { refusingPlatform } from "./refusing-platform.ts";
import { rollingUpgrade } from "./rolling-upgrade.ts";
import { shuffledUpdates } from "./shuffled-updates.ts";
import { simulation } from "./simulation.ts";
import { soak } from "./soak.ts";
import { spendRace } from "./spend-race.ts";
import { stopAndGone } from "./stop-and-gone.ts";
import { workerKills } from "./worker-kills.ts";

/** All faults in the order they are run. */
export const FAULTS: readonly Fault[] = [
  workerKills,
  gatewayKills,
  faultPoints,
  redisOutage,
  postgresOutage,
  heldLocks,
  cardRace,
  spendRace,
  flakyKeys,
  hangingUpstream,
  brokenStreams,
  stopAndGone,
  missingUsage,
  rollingUpgrade,
  shuffledUpdates,
  refusingPlatform,
  clockJumps,
  fullDisk,
  hostileInput,
  soak,
  simulation,
];
