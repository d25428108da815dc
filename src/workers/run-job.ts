import { DelayedError, type Job, UnrecoverableError, WaitingError } from "bullmq";
import { OutsideError, UserError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { STALLED_COUNT_MAX } from "./jobs.ts";
import { endsWithin } from "./time-limit.ts";

const PUT_BACK_LIMIT_MS = 2_000;
/** When even giving up failed, most likely because the database is away. */
const GIVE_UP_AGAIN_MS = 3_000;
/** Ten minutes of trying to give up; then the sweepers, which read the database, take over. */
const STARTS_MAX = 200;

/** What a job means to the core. */
export interface JobWork {
  run(): Promise<void>;
  /** Whether a retryable error may be tried again later, as far as the job's own rules go. */
  mayRetry(error: OutsideError): boolean;
  giveUp(error: unknown): Promise<void>;
}

export interface JobInHand {
  readonly job: Job<unknown>;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** Whether no further attempt follows when this one fails. */
export function isLastAttempt(job: Job<unknown>): boolean {
  return job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
}

/**
 * Runs a job and turns how it ends into the queue's words: done, once more later, another worker
 * at once, or never again. A job never ends in silence: before it leaves the queue unfinished it
 * is given up, and until that has worked it stays.
 */
export async function runJob(inHand: JobInHand, work: JobWork, log: Logger): Promise<void> {
  const { job, signal } = inHand;
  if (signal.aborted) return putBack(inHand);
  try {
    if (job.stalledCounter > STALLED_COUNT_MAX) throw new Error("the job's workers kept dying");
    await work.run();
  } catch (error) {
    // Interrupted, not failed: the next worker has this attempt once more.
    if (signal.aborted) return putBack(inHand);
    const mayRetry =
      error instanceof OutsideError &&
      error.retryable &&
      !isLastAttempt(job) &&
      work.mayRetry(error);
    log[levelOf(error)]({ err: error, attempt: job.attemptsMade + 1, mayRetry }, "job failed");
    if (mayRetry) throw error;
    await giveUp(inHand, work, error, log);
    // Only the kind of error: the queue keeps its messages in clear for a while.
    throw new UnrecoverableError(error instanceof OutsideError ? error.message : "given up");
  }
}

/**
 * Lets another worker have the job now instead of when its lock lapses. When the lock is lost
 * already, or the queue cannot be reached, nothing is left to do: the job is or becomes free.
 */
export async function putBack({ job, token }: JobInHand): Promise<never> {
  await endsWithin(job.moveToWait(token), PUT_BACK_LIMIT_MS).catch(() => false);
  throw new WaitingError();
}

async function giveUp(
  { job, token }: JobInHand,
  work: JobWork,
  reason: unknown,
  log: Logger,
): Promise<void> {
  try {
    await work.giveUp(reason);
  } catch (error) {
    log.error({ err: error, starts: job.attemptsStarted }, "giving up failed");
    if (job.attemptsStarted >= STARTS_MAX) return;
    await job.moveToDelayed(Date.now() + GIVE_UP_AGAIN_MS, token);
    throw new DelayedError();
  }
}

function levelOf(error: unknown): "info" | "warn" | "error" {
  if (error instanceof UserError) return "info";
  return error instanceof OutsideError ? "warn" : "error";
}
