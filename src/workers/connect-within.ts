import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../core/log.ts";
import { reasonOf } from "./quiet-warning.ts";
import { endsWithin } from "./time-limit.ts";

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
  const endMs = performance.now() + limitMs;
  let sayAtMs = performance.now() + SAY_FIRST_MS;
  let attempt: Promise<void> | null = null;
  for (;;) {
    let reason = "no answer yet";
    try {
      attempt ??= connect();
      // A server may take the connection and then say nothing.
      const waitMs = Math.min(sayAtMs, endMs) - performance.now();
      if (await endsWithin(attempt, Math.max(waitMs, PAUSE_MS))) return;
    } catch (error) {
      attempt = null;
      reason = reasonOf(error);
    }
    const nowMs = performance.now();
    if (nowMs + PAUSE_MS >= endMs) {
      const seconds = Math.round(limitMs / 1_000);
      throw new Error(
        `${where} did not answer within ${seconds} s (${reason}): is it running, and is ${variable} right?`,
      );
    }
    if (nowMs >= sayAtMs) {
      log.warn({ where, reason }, "waiting for the queue");
      sayAtMs = nowMs + SAY_AGAIN_MS;
    }
    if (attempt === null) await sleep(PAUSE_MS);
  }
}
