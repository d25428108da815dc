import { hasRedisServer } from "../fakes/redis-server.ts";
import type { Dose, Fault, Finding } from "./fault.ts";
import { type Backend, Machine } from "./machine.ts";
import { Random } from "./random.ts";

export interface FaultRun {
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly dose: Dose;
  readonly backends: readonly Backend[];
}

/** Runs faults one after the other and prints a table; `false` when the system did not hold. */
export async function runFaults(run: FaultRun): Promise<boolean> {
  const { seed, dose } = run;
  const backends = hasRedisServer()
    ? run.backends
    : run.backends.filter((name) => name !== "redis");
  console.log(`seed ${seed}, ${dose} dose, queue on ${backends.join(" and ")}`);
  let failures = 0;
  let count = 0;
  for (const fault of run.faults) {
    for (const backend of fault.onBothQueues ? backends : backends.slice(0, 1)) {
      const startedAtMs = performance.now();
      const finding = await runFault(fault, { backend, seed, dose });
      const tookS = ((performance.now() - startedAtMs) / 1000).toFixed(0);
      const isOk = finding.problems.length === 0;
      count += 1;
      if (!isOk) failures += 1;
      const where = fault.onBothQueues ? backend : "-";
      console.log(
        `${fault.id.padEnd(4)}${where.padEnd(9)} ${fault.title.padEnd(34)} × ${String(finding.rounds).padEnd(6)} ${isOk ? "held " : "BROKE"} ${tookS.padStart(4)} s  ${finding.seen}`,
      );
      for (const problem of finding.problems) console.log(`       ${problem}`);
      if (!isOk) console.log(`       again: ${replayCommand(fault, { backend, seed, dose })}`);
    }
  }
  console.log(
    `chaos: ${count - failures} of ${count} held, ${failures} broke, seed ${seed}, ${dose} dose`,
  );
  return failures === 0;
}

/** One fault on servers of its own; what it throws is a finding too. */
export async function runFault(
  fault: Fault,
  { backend, seed, dose }: { backend: Backend; seed: number; dose: Dose },
): Promise<Finding> {
  const needsRedis = backend === "redis" || fault.needsRedis === true;
  await using machine = await Machine.start({ redis: needsRedis && hasRedisServer() });
  try {
    return await fault.run({ machine, backend, random: new Random(seed), seed, dose });
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rounds: 0, seen: "it did not get to its end", problems: [reason] };
  }
}

/** What an operator types to see the same again. */
export function replayCommand(
  fault: Fault,
  { backend, seed, dose }: { backend: Backend; seed: number; dose: Dose },
): string {
  const where = fault.onBothQueues ? ` --backend ${backend}` : "";
  return `npm run chaos -- --only ${fault.id} --seed ${seed} --${dose}${where}`;
}
