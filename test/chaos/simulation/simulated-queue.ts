import type { Clock } from "../../../src/core/clock.ts";
import { OutsideError } from "../../../src/core/errors.ts";
import type { BotKey, Delivery, ReplyQueue } from "../../../src/core/reply-queue.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

const TRIES_MAX = 4;
const BACKOFF_MS = [1_000, 3_000, 8_000];
/** After so long the job of a dead worker is free. */
const LOCK_MS = 6_000;

interface Job {
  readonly id: string;
  tries: number;
  isRunning: boolean;
}

/** Jobs at least once: those of dead workers come back, and it can forget everything or be away. */
export class SimulatedQueue implements ReplyQueue {
  isAway = false;
  readonly #replies = new Map<string, Job>();
  readonly #deliveries = new Map<string, Job>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async addReply(replyId: string): Promise<void> {
    this.#add(this.#replies, replyId);
  }

  async addDelivery(_bot: BotKey, { id }: Delivery): Promise<void> {
    this.#add(this.#deliveries, id);
  }

  /** Forgets all jobs; what runs goes on. */
  empty(): void {
    this.#replies.clear();
    this.#deliveries.clear();
  }

  /** Gives everything that waits to a process. */
  work(process: SimulatedProcess): void {
    if (process.isDead || this.isAway) return;
    for (const job of this.#replies.values()) {
      if (!job.isRunning)
        void this.#run(process, job, this.#replies, () => this.#generate(process, job));
    }
    for (const job of this.#deliveries.values()) {
      if (job.isRunning) continue;
      void this.#run(process, job, this.#deliveries, () => deliver(process, job.id));
    }
  }

  async #run(
    process: SimulatedProcess,
    job: Job,
    jobs: Map<string, Job>,
    work: () => Promise<"done" | "again">,
  ): Promise<void> {
    job.isRunning = true;
    const outcome = work();
    for (;;) {
      const ended = await Promise.race([outcome, this.#clock.sleep(LOCK_MS)]);
      if (ended === "done" && jobs.get(job.id) === job) jobs.delete(job.id);
      if (ended !== undefined || process.isDead) break;
    }
    job.isRunning = false;
  }

  async #generate(process: SimulatedProcess, job: Job): Promise<"done" | "again"> {
    try {
      await process.generate.run(job.id, { signal: new AbortController().signal });
      return "done";
    } catch (error) {
      const backoffMs = BACKOFF_MS[job.tries];
      job.tries += 1;
      const mayRetry = error instanceof OutsideError && error.retryable && job.tries < TRIES_MAX;
      if (!mayRetry) {
        await process.generate.giveUp(job.id, error);
        return "done";
      }
      await this.#clock.sleep(backoffMs ?? 0);
      return "again";
    }
  }

  #add(jobs: Map<string, Job>, id: string): void {
    if (this.isAway) throw new OutsideError("queue", "unreachable");
    if (!jobs.has(id)) jobs.set(id, { id, tries: 0, isRunning: false });
  }
}

async function deliver({ replies }: SimulatedProcess, id: string): Promise<"done"> {
  const reply = await replies.find(id);
  if (reply !== null && reply.answeredAt !== null) await replies.markDelivered(id, "", true);
  return "done";
}
