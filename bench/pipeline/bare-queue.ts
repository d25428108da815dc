import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

/** Plain BullMQ on the same Redis, as its guide shows it: the baseline of the way through the program. */
export class BareQueue implements AsyncDisposable {
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #connections: readonly Redis[];
  readonly #started = new Map<string, (atMs: number) => void>();
  #count = 0;

  constructor(redisUrl: string) {
    this.#connections = [0, 1].map(() => new Redis(redisUrl, { maxRetriesPerRequest: null }));
    const [adding, working] = this.#connections;
    if (adding === undefined || working === undefined) throw new Error("no connections");
    this.#queue = new Queue("bare", { connection: adding });
    this.#worker = new Worker(
      "bare",
      async (job) => this.#started.get(job.id ?? "")?.(performance.now()),
      { connection: working },
    );
  }

  /** Milliseconds from before `add` until the worker's function is called. */
  async measure(): Promise<number> {
    this.#count += 1;
    const jobId = `job-${this.#count}`;
    const started = new Promise<number>((resolve) => this.#started.set(jobId, resolve));
    const fromMs = performance.now();
    await this.#queue.add("start", { id: jobId }, { jobId, removeOnComplete: true });
    return (await started) - fromMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.close();
    await this.#queue.close();
    for (const connection of this.#connections) connection.disconnect();
  }
}
