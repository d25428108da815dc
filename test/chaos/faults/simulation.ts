import type { Fault } from "../fault.ts";
import { Random } from "../random.ts";
import { simulate } from "../simulation/simulate.ts";
import { seconds } from "../wait-for.ts";

const DOSES = { short: 500, long: 10_000 } as const;
const PROBLEMS_MAX = 3;

/** The program's core on a virtual clock, many seeds: workers die at any call, all is checked after every step. */
export const simulation: Fault = {
  id: "F22",
  title: "seeded simulation",
  onBothQueues: false,
  async run({ seed, dose }) {
    const problems: string[] = [];
    const startedAtMs = performance.now();
    let steps = 0;
    let seeds = 0;
    for (; seeds < DOSES[dose] && problems.length < PROBLEMS_MAX; seeds += 1) {
      const outcome = await simulate(new Random(seed + seeds));
      steps += outcome.steps;
      if (outcome.problem === null) continue;
      const again = `npm run chaos -- --only F22 --seed ${seed + seeds}`;
      problems.push(`seed ${seed + seeds}, step ${outcome.steps}: ${outcome.problem} (${again})`);
    }
    return {
      rounds: seeds,
      seen: `${steps} steps, all invariants after each, ${seconds(performance.now() - startedAtMs)}`,
      problems,
    };
  },
};
