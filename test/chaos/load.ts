import { setTimeout as sleep } from "node:timers/promises";
import type { Behaviour } from "../fakes/openai-behaviour.ts";
import type { Question } from "./question.ts";
import type { Stage } from "./stage.ts";

const POLL_MS = 100;

export interface Load {
  readonly people: readonly number[];
  readonly total: number;
  readonly play: () => Behaviour;
  /** Ends it before. */
  readonly isOver?: () => boolean;
}

/** Has people ask, each one question at a time, until `total` were asked. */
export async function keepAsking(stage: Stage, load: Load): Promise<void> {
  const open = new Map<number, Question>();
  let asked = 0;
  while (asked < load.total && load.isOver?.() !== true) {
    await stage.countAnswered().catch(() => 0);
    for (const person of load.people) {
      if (open.get(person)?.isAnswered === false || asked >= load.total) continue;
      open.set(person, stage.ask(person, load.play()));
      asked += 1;
    }
    await sleep(POLL_MS);
  }
}
