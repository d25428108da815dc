import type { IQueueBackend, Job, JobsOptions, Worker } from "bullmq";
import {
  type Backoff,
  LOCK_MS,
  LOCK_RENEW_MS,
  POLL_SECONDS,
  RECONNECT_MS,
  STALLED_CHECK_MS,
  STALLED_COUNT_MAX_BULLMQ,
} from "./jobs.ts";

/** Does one job. `signal` aborts when the job is lost to another worker, or in a shutdown. */
export type ProcessJob = (job: Job<unknown>, token: string, signal: AbortSignal) => Promise<void>;

/** The half of a BullMQ queue that adding jobs needs. */
export interface JobQueue {
  add(name: string, data: object, options: JobsOptions): Promise<unknown>;
}

/** A BullMQ worker, the same on either backend. */
export type JobWorker = Worker<unknown, void, string, IQueueBackend>;

export interface WorkerSettings {
  readonly concurrency: number;
  readonly backoff: Backoff;
}

/**
 * Where BullMQ keeps its jobs: Postgres by default, Redis when it has to scale past one machine.
 *
 * Connections are shared by all queues and workers of the process, and their failures are logged
 * as warnings, now and then; none of them ends the process.
 */
export interface QueueBackend {
  /**
   * Connects, and waits until the queue answers; to be called before anything else. Throws one
   * sentence that names the queue, never its password, when that takes longer than `limitMs`.
   */
  waitForQueue(limitMs: number): Promise<void>;
  /** Adding to it rejects at once while the queue is known to be away. */
  createQueue(name: string): JobQueue;
  /** The worker takes jobs from now on, until it is paused or closed. */
  createWorker(name: string, processJob: ProcessJob, settings: WorkerSettings): JobWorker;
  /** Whether the queue answers within a second. */
  isHealthy(): Promise<boolean>;
  /** Closes all connections. Workers have to be closed before. */
  close(): Promise<void>;
}

/** BullMQ's options of every worker, with nothing left to its defaults. */
export function workerOptions(settings: WorkerSettings) {
  return {
    concurrency: settings.concurrency,
    lockDuration: LOCK_MS,
    lockRenewTime: LOCK_RENEW_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: STALLED_COUNT_MAX_BULLMQ,
    drainDelay: POLL_SECONDS,
    runRetryDelay: RECONNECT_MS,
    settings: {
      backoffStrategy: (attemptsMade: number, _type?: string, error?: Error) =>
        settings.backoff(attemptsMade, error),
    },
  };
}

/**
 * `processJob` as BullMQ calls it. It looks at the number of parameters: only a function of three
 * gets the signal.
 */
export function bullMqProcessor(processJob: ProcessJob) {
  return async (
    job: Job<unknown>,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    if (token === undefined || signal === undefined) throw new Error("BullMQ gave no lock");
    await processJob(job, token, signal);
  };
}

/** A run whose lock is gone runs elsewhere as well: it has to end here. */
export function abortRunsWithoutLock(worker: JobWorker): void {
  worker.on("lockRenewalFailed", (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, "the lock was lost");
  });
}
