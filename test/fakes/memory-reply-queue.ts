import { OutsideError } from "../../src/core/errors.ts";
import type { BotKey, Delivery, ReplyQueue } from "../../src/core/reply-queue.ts";

interface MemoryJob {
  readonly bot: BotKey | null;
  readonly delivery: Delivery;
  isRunning: boolean;
}

/**
 * A queue in memory. What was added waits until a test runs it; the test sees what waits, and can
 * take the queue away.
 */
export class MemoryReplyQueue implements ReplyQueue {
  isReachable = true;
  readonly #jobs = new Map<string, MemoryJob>();

  async addReply(replyId: string): Promise<void> {
    this.#add(null, { kind: "reply", id: replyId });
  }

  async addDelivery(bot: BotKey, delivery: Delivery): Promise<void> {
    this.#add(bot, delivery);
  }

  /** Ids of the replies that wait, oldest first. */
  get replies(): string[] {
    return this.#waiting(null).map(([, job]) => job.delivery.id);
  }

  /** What waits for a bot, oldest first. */
  deliveriesFor(bot: BotKey): Delivery[] {
    return this.#waiting(bot).map(([, job]) => job.delivery);
  }

  /** Runs all that wait one after the other, also what is added meanwhile. Throws what a run throws. */
  async runReplies(run: (replyId: string) => Promise<void>): Promise<void> {
    await this.#runAll(null, (delivery) => run(delivery.id));
  }

  async runDeliveries(bot: BotKey, run: (delivery: Delivery) => Promise<void>): Promise<void> {
    await this.#runAll(bot, run);
  }

  /** Forgets everything, as an emptied Redis does. */
  clear(): void {
    this.#jobs.clear();
  }

  #add(bot: BotKey | null, delivery: Delivery): void {
    if (!this.isReachable) throw new OutsideError("queue", "unreachable");
    const key = JSON.stringify([bot?.platform, bot?.bot, delivery.kind, delivery.id]);
    if (!this.#jobs.has(key)) this.#jobs.set(key, { bot, delivery, isRunning: false });
  }

  async #runAll(bot: BotKey | null, run: (delivery: Delivery) => Promise<void>): Promise<void> {
    for (;;) {
      const [next] = this.#waiting(bot);
      if (next === undefined) return;
      const [key, job] = next;
      job.isRunning = true;
      try {
        await run(job.delivery);
      } finally {
        this.#jobs.delete(key);
      }
    }
  }

  #waiting(bot: BotKey | null): [string, MemoryJob][] {
    return [...this.#jobs].filter(
      ([, job]) =>
        !job.isRunning && job.bot?.platform === bot?.platform && job.bot?.bot === bot?.bot,
    );
  }
}
