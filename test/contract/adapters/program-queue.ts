import type { Clock } from "../../../src/core/clock.ts";
import { OutsideError } from "../../../src/core/errors.ts";
import type { BotKey, Delivery, ReplyQueue } from "../../../src/core/reply-queue.ts";
import type { DeliverReply } from "../../../src/workers/deliver-reply.worker.ts";
import type { GenerateReply } from "../../../src/workers/generate-reply.worker.ts";
import {
  DELIVER_REPLY_OPTIONS,
  deliverBackoffMs,
  GENERATE_REPLY_OPTIONS,
  generateBackoffMs,
} from "../../../src/workers/jobs.ts";

interface Attempts {
  readonly max: number;
  readonly backoffMs: (attempt: number, error: unknown) => number;
  readonly signal: AbortSignal;
}

interface Gateway {
  readonly deliver: DeliverReply;
  readonly stop: AbortController;
}

/**
 * The queue and its workers in one process, by the rules of the real ones: the same attempts, the
 * same pauses, and what a stopping gateway had in hand is there for the next one.
 */
export class ProgramQueue implements ReplyQueue {
  /** Why deliveries were given up. */
  readonly givenUp: unknown[] = [];
  /** Deliveries that came to an end, whatever it was. */
  delivered = 0;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Delivery>();
  readonly #delivering = new Map<string, Promise<void>>();
  readonly #generating = new Set<Promise<void>>();
  #generate: GenerateReply | null = null;
  #gateway: Gateway | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  generateWith(generate: GenerateReply): void {
    this.#generate = generate;
  }

  /** A gateway is there: what waits goes out. */
  deliverWith(deliver: DeliverReply): void {
    this.#gateway = { deliver, stop: new AbortController() };
    this.#startDeliveries();
  }

  /** Resolves when the gateway has nothing in hand any more. */
  async stopDelivering(): Promise<void> {
    this.#gateway?.stop.abort();
    await Promise.all(this.#delivering.values());
    this.#gateway = null;
  }

  /** Resolves when no answer is being written any more. */
  async drain(): Promise<void> {
    await Promise.all(this.#generating);
  }

  async addReply(replyId: string): Promise<void> {
    const run = this.#runGeneration(replyId).finally(() => this.#generating.delete(run));
    this.#generating.add(run);
  }

  async addDelivery(_bot: BotKey, delivery: Delivery): Promise<void> {
    this.#waiting.set(`${delivery.kind}:${delivery.id}`, delivery);
    this.#startDeliveries();
  }

  async #runGeneration(replyId: string): Promise<void> {
    const generate = this.#generate;
    if (generate === null) return;
    const { signal } = new AbortController();
    const context = { attempt: 1, isLastAttempt: false, signal };
    const max = GENERATE_REPLY_OPTIONS.attempts;
    await this.#try(
      { max, backoffMs: generateBackoffMs, signal },
      {
        run: () => generate.run(replyId, context),
        giveUp: (error) => generate.giveUp(replyId, error),
      },
    );
  }

  /** What is added again while it runs comes once more afterwards, as the sweeper would have it. */
  #startDeliveries(): void {
    const gateway = this.#gateway;
    if (gateway === null || gateway.stop.signal.aborted) return;
    for (const [key, delivery] of this.#waiting) {
      if (this.#delivering.has(key)) continue;
      this.#waiting.delete(key);
      const run = this.#runDelivery(key, delivery, gateway).finally(() => {
        this.#delivering.delete(key);
        this.#startDeliveries();
      });
      this.#delivering.set(key, run);
    }
  }

  async #runDelivery(key: string, delivery: Delivery, { deliver, stop }: Gateway): Promise<void> {
    const { signal } = stop;
    const max = DELIVER_REPLY_OPTIONS.attempts;
    const isDone = await this.#try(
      { max, backoffMs: deliverBackoffMs, signal },
      {
        run: () => deliver.run(delivery, signal),
        giveUp: async (error) => {
          this.givenUp.push(error);
          await deliver.giveUp(delivery, error);
        },
      },
    );
    if (isDone) this.delivered += 1;
    else this.#waiting.set(key, delivery);
  }

  /** `false` when it was interrupted. */
  async #try(
    { max, backoffMs, signal }: Attempts,
    work: { readonly run: () => Promise<void>; readonly giveUp: (error: unknown) => Promise<void> },
  ): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work.run();
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        const isPassing = error instanceof OutsideError && error.retryable;
        if (!isPassing || attempt === max) {
          await work.giveUp(error);
          return true;
        }
        await this.#clock.sleep(backoffMs(attempt, error), signal);
        if (signal.aborted) return false;
      }
    }
  }
}
