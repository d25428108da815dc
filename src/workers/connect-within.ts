import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../core/log.ts";
import { reasonOf } from "./quiet-warning.ts";

const PAUSE_MS = 250;
/** An operator sees soon why nothing happens, and then now and then that it is still so. */
const SAY_FIRST_MS = 1_000;
const SAY_AGAIN_MS = 5_000;

export interface ConnectOptions {
  readonly limitMs: number;
  /** "Redis at queue.example:6379"; never a password. */
  readonly where: string;
  /** The variable an operator has to look at. */
  readonly variable: string;
  readonly log: Logger;
}

/**
 * Tries until it works, and says every few seconds that it waits. Throws one sentence for the
 * operator after `limitMs`.
 */
export async function connectWithin(
  connect: () => Promise<void>,
  { limitMs, where, variable, log }: ConnectOptions,
): Promise<void> {
  const startedAtMs = performance.now();
  let sayAtMs = startedAtMs + SAY_FIRST_MS;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const nowMs = performance.now();
      if (nowMs + PAUSE_MS - startedAtMs >= limitMs) {
        const seconds = Math.round(limitMs / 1_000);
        throw new Error(
          `${where} did not answer within ${seconds} s (${reasonOf(error)}): is it running, and is ${variable} right?`,
        );
      }
      if (nowMs >= sayAtMs) {
        log.warn({ where, reason: reasonOf(error) }, "waiting for the queue");
        sayAtMs = nowMs + SAY_AGAIN_MS;
      }
      await sleep(PAUSE_MS);
    }
  }
}
