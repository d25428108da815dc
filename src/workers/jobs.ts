import type { JobsOptions } from "bullmq";
import { z } from "zod";
import { OutsideError } from "../core/errors.ts";
import type { BotKey } from "../core/reply-queue.ts";

/** Jobs carry ids, not content: the worker reads the rest from the database. */
export const GenerateReplyJob = z.object({ replyId: z.uuid() });

export const DeliverReplyJob = z.object({ kind: z.enum(["reply", "notice"]), id: z.uuid() });

export const REPLIES_QUEUE = "replies";

/**
 * The queue of one bot's deliveries. Different bots have different names whatever they contain;
 * BullMQ allows all but ":", which is escaped here.
 */
export function deliveryQueueName(bot: BotKey): string {
  // The first "-" after the prefix ends the platform, so the platform itself may have none.
  const platform = encodeURIComponent(bot.platform).replaceAll("-", "%2D");
  return `delivery-${platform}-${encodeURIComponent(bot.bot)}`;
}

const COMMON = {
  backoff: { type: "custom" },
  // A finished id has to be free to be added again, so nothing is kept.
  removeOnComplete: true,
  removeOnFail: true,
  // Stack traces would sit in the queue in clear.
  stackTraceLimit: 0,
} satisfies JobsOptions;

/** A person waits for this one: a few quick tries, then they are told. */
const GENERATE_BACKOFF_MS = [1_000, 3_000, 8_000];
export const GENERATE_REPLY_OPTIONS = {
  ...COMMON,
  attempts: GENERATE_BACKOFF_MS.length + 1,
} satisfies JobsOptions;
/** Who is asked to wait longer than this would rather hear that it failed and cost nothing. */
export const GENERATE_RETRY_AFTER_MS_MAX = 60_000;

/** The answer is paid for: with this backoff the tries go on for more than half an hour. */
export const DELIVER_REPLY_OPTIONS = { ...COMMON, attempts: 40 } satisfies JobsOptions;
const DELIVER_BACKOFF_MS_MIN = 1_000;
const DELIVER_BACKOFF_MS_MAX = 60_000;
/** So that what failed together in an outage does not come back together. */
const DELIVER_JITTER = 0.2;

/** How long to wait after the `attemptsMade`-th failure (counted from 1), in milliseconds. */
export type Backoff = (attemptsMade: number, error: unknown) => number;

/** 1 s, 3 s, 8 s, or what the party that failed asked for. */
export const generateBackoffMs: Backoff = (attemptsMade, error) =>
  retryAfterMs(error) ?? GENERATE_BACKOFF_MS[attemptsMade - 1] ?? 0;

/** Doubles from 1 s to 60 s, a little longer at random; never less than what the platform asked for. */
export function deliverBackoffMs(
  attemptsMade: number,
  error: unknown,
  random: () => number = Math.random,
): number {
  const doubledMs = DELIVER_BACKOFF_MS_MIN * 2 ** (attemptsMade - 1);
  const waitMs = Math.max(Math.min(doubledMs, DELIVER_BACKOFF_MS_MAX), retryAfterMs(error) ?? 0);
  return Math.ceil(waitMs * (1 + DELIVER_JITTER * random()));
}

function retryAfterMs(error: unknown): number | undefined {
  return error instanceof OutsideError ? error.retryAfterMs : undefined;
}

/**
 * How a worker holds its jobs. A killed worker's job is free when its lock lapses (at most 2.5 s) and
 * the next check finds it (at most 0.4 s): taken over within 3 s, and within 6 s should the worker
 * that takes over be killed as well before it has begun.
 *
 * The price: a process that does not get to run for 2 s or more (a lock is renewed before it is 0.5 s
 * old) can lose its locks. Then its runs are aborted and start anew, here or elsewhere; nothing is
 * charged twice, but the upstream is asked twice. Longer locks would make every crash as much slower
 * to mend.
 */
export const LOCK_MS = 2_500;
export const LOCK_RENEW_MS = 500;
export const STALLED_CHECK_MS = 400;
/** A job that outlived so many workers, for two minutes, is taken to kill them, and is given up. */
export const STALLED_COUNT_MAX = 40;
/** Beyond this BullMQ itself drops the job; ours comes first, because it tells the person. */
export const STALLED_COUNT_MAX_BULLMQ = 1_000_000;
/** A worker looks by itself this often, should the wake-up of a new job get lost. */
export const POLL_SECONDS = 5;
/** After the connection to the queue failed. BullMQ's own 15 s would lengthen every outage. */
export const RECONNECT_MS = 1_000;
/** Entries of BullMQ's event stream, which nobody reads. Not 0: that means without end. */
export const EVENTS_KEPT_MAX = 1_000;

export const GENERATE_CONCURRENCY = 100;
export const DELIVER_CONCURRENCY_PER_BOT = 50;
/** An add that takes longer is left to the database's outbox. */
export const ADD_LIMIT_MS = 3_000;
