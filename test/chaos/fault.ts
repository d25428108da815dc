import type { Backend, Machine } from "./machine.ts";
import type { Random } from "./random.ts";

/** "short" runs within the tests, "long" is the whole dose. */
export type Dose = "short" | "long";

export interface FaultContext {
  readonly machine: Machine;
  readonly backend: Backend;
  readonly random: Random;
  readonly seed: number;
  readonly dose: Dose;
}

export interface Finding {
  /** How often the fault was done. */
  readonly rounds: number;
  /** The figures, for the table. */
  readonly seen: string;
  /** What should not have been; empty when the system passed. */
  readonly problems: readonly string[];
}

/** One kind of misfortune that the system has to bear. */
export interface Fault {
  /** "F1" */
  readonly id: string;
  readonly title: string;
  /** `false`: the queue has no part in it, so it is run once. */
  readonly onBothQueues: boolean;
  /** It breaks Redis itself. */
  readonly needsRedis?: boolean;
  run(context: FaultContext): Promise<Finding>;
}

/** A sentence where a figure is worse than it may be. */
export function above(what: string, value: number, max: number, unit: string): string[] {
  return value <= max ? [] : [`${what}: ${Math.round(value)} ${unit}, at most ${max}`];
}
