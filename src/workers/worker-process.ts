import type { Logger } from "../core/log.ts";
import type { BotKey } from "../core/reply-queue.ts";
import { type DeliverReply, deliverReplyWorker } from "./deliver-reply.worker.ts";
import { type GenerateReply, generateReplyWorker } from "./generate-reply.worker.ts";
import type { JobWorker, ProcessJob, QueueBackend, WorkerSettings } from "./job-queue.ts";
import {
  DELIVER_CONCURRENCY_PER_BOT,
  deliverBackoffMs,
  deliveryQueueName,
  GENERATE_CONCURRENCY,
  generateBackoffMs,
  REPLIES_QUEUE,
} from "./jobs.ts";
import { putBack } from "./run-job.ts";
import { endsWithin } from "./time-limit.ts";

/** How long it may take to tell the queue what became of jobs, and aborted runs to end. */
const SETTLE_LIMIT_MS = 3_000;
const CLOSE_LIMIT_MS = 2_000;

export interface ReplyWorkersOptions {
  readonly backend: QueueBackend;
  readonly log: Logger;
  /** `null` in a process that only delivers. */
  readonly generateReply: GenerateReply | null;
  /** `null` in a process that only generates. */
  readonly deliverReply: DeliverReply | null;
  /** How many replies are written at the same time. */
  readonly generateConcurrency?: number;
  readonly deliverConcurrencyPerBot?: number;
}

export interface StopOptions {
  readonly timeoutMs: number;
  /** Ends the wait before its time. */
  readonly hurry?: AbortSignal;
}

/** The queue workers of one process: one that generates, and one for every bot it owns. */
export class ReplyWorkers {
  readonly #options: ReplyWorkersOptions;
  readonly #workers = new Map<string, RunningWorker>();

  constructor(options: ReplyWorkersOptions) {
    this.#options = options;
  }

  /** Starts to generate, where this process does that. The queue has to be connected. */
  start(): void {
    const { generateReply, log, generateConcurrency = GENERATE_CONCURRENCY } = this.#options;
    if (generateReply === null) return;
    const settings = { concurrency: generateConcurrency, backoff: generateBackoffMs };
    this.#startWorker(REPLIES_QUEUE, generateReplyWorker(generateReply, log), settings);
  }

  /** Starts to deliver for a bot; to be called by the one process that owns it. */
  deliverFor(bot: BotKey): void {
    const { deliverReply, log, deliverConcurrencyPerBot } = this.#options;
    if (deliverReply === null) throw new Error("this process does not deliver");
    const settings = {
      concurrency: deliverConcurrencyPerBot ?? DELIVER_CONCURRENCY_PER_BOT,
      backoff: deliverBackoffMs,
    };
    this.#startWorker(deliveryQueueName(bot), deliverReplyWorker(deliverReply, log), settings);
  }

  /** Takes no further reply and waits for those being written, as `stop` does; delivery goes on. */
  async stopGenerating(options: StopOptions): Promise<void> {
    const worker = this.#workers.get(REPLIES_QUEUE);
    this.#workers.delete(REPLIES_QUEUE);
    await worker?.stop(options.timeoutMs, options.hurry);
  }

  /** Stops to deliver for a bot that another process owns from now on. */
  async stopDeliveringFor(bot: BotKey, options: { readonly timeoutMs: number }): Promise<void> {
    const name = deliveryQueueName(bot);
    const worker = this.#workers.get(name);
    this.#workers.delete(name);
    await worker?.stop(options.timeoutMs);
  }

  /** Whether the queue answers and every worker takes jobs. */
  async isHealthy(): Promise<boolean> {
    const areRunning = [...this.#workers.values()].every((worker) => worker.isRunning());
    return areRunning && (await this.#options.backend.isHealthy());
  }

  /**
   * Takes nothing new, waits up to `timeoutMs` for what runs, and then aborts it: what was aborted
   * goes back to the queue for the next process. Closes the workers' connections; the backend's
   * own remain for those who still add jobs.
   */
  async stop(options: StopOptions): Promise<void> {
    const workers = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.stop(options.timeoutMs, options.hurry)));
  }

  #startWorker(name: string, processJob: ProcessJob, settings: WorkerSettings): void {
    if (this.#workers.has(name)) throw new Error(`a worker of ${name} is running already`);
    const worker = new RunningWorker(this.#options.backend, name, processJob, settings);
    this.#workers.set(name, worker);
  }
}

class RunningWorker {
  readonly #worker: JobWorker;
  #running = 0;
  #isStopping = false;
  #onIdle: () => void = () => {};

  constructor(
    backend: QueueBackend,
    name: string,
    processJob: ProcessJob,
    settings: WorkerSettings,
  ) {
    this.#worker = backend.createWorker(
      name,
      async (job, token, signal) => {
        // A worker that waited for a job when it was paused still takes one.
        if (this.#isStopping) return putBack({ job, token, signal });
        this.#running += 1;
        try {
          await processJob(job, token, signal);
        } finally {
          this.#running -= 1;
          if (this.#running === 0) this.#onIdle();
        }
      },
      settings,
    );
  }

  isRunning(): boolean {
    return this.#worker.isRunning() && !this.#worker.isPaused();
  }

  /**
   * BullMQ's `close()` waits for running jobs without an end, and when called a second time waits
   * on. So this pauses, which also waits, and closes by force in the end.
   */
  async stop(timeoutMs: number, hurry?: AbortSignal): Promise<void> {
    this.#isStopping = true;
    // Counted here as well: while the queue is away, a pause does not end though nothing runs.
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#running === 0) this.#onIdle();
    const paused = this.#worker.pause();
    const over = Promise.race([idle, aborted(hurry)]);
    const isOver = await endsWithin(over, timeoutMs);
    if (!isOver || this.#running > 0) this.#worker.cancelAllJobs("the process stops");
    await endsWithin(paused, SETTLE_LIMIT_MS);
    // Ends the renewal of locks too: a run that ignored its signal loses its job within seconds.
    await endsWithin(this.#worker.close(true), CLOSE_LIMIT_MS);
  }
}

/** Resolves when the signal aborts; never without one. */
function aborted(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
