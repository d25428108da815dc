import type { Random } from "../random.ts";
import { Shop } from "./shop.ts";
import { checkBooks, checkEnd } from "./simulated-books.ts";

const STEPS_MAX = 25;

export interface SimulationOutcome {
  readonly steps: number;
  /** What did not hold, as a sentence; `null` when all did. */
  readonly problem: string | null;
}

/** One life of a small shop, decided by `random`: people ask, redeem and stop, workers die, queues forget. */
export async function simulate(random: Random): Promise<SimulationOutcome> {
  const shop = new Shop(random);
  await shop.open();
  const stepCount = random.between(8, STEPS_MAX);
  for (let step = 1; step <= stepCount; step += 1) {
    const name = await shop.step();
    const problem = await checkBooks(shop);
    if (problem !== null) return { steps: step, problem: `after "${name}": ${problem}` };
  }
  await shop.comeToRest();
  const problem = (await checkBooks(shop)) ?? (await checkEnd(shop));
  return { steps: stepCount, problem };
}
