import type { JobsOptions } from "bullmq";
import { OutsideError } from "../core/errors.ts";
import type { BotKey, Delivery, ReplyQueue } from "../core/reply-queue.ts";
import type { JobQueue, QueueBackend } from "./job-queue.ts";
import {
  ADD_LIMIT_MS,
  DELIVER_REPLY_OPTIONS,
  DeliverReplyJob,
  deliveryQueueName,
  GENERATE_REPLY_OPTIONS,
  GenerateReplyJob,
  REPLIES_QUEUE,
} from "./jobs.ts";
import { endsWithin } from "./time-limit.ts";

/**
 * The jobs of replies on BullMQ. Throws `OutsideError("queue", "unreachable")` within three seconds
 * when the queue does not take a job; it may take it later all the same, which the job's id makes
 * harmless. The backend has to be connected before the first job is added.
 */
export class BullMqReplyQueue implements ReplyQueue {
  readonly #backend: QueueBackend;
  readonly #queues = new Map<string, JobQueue>();

  constructor(backend: QueueBackend) {
    this.#backend = backend;
  }

  async addReply(replyId: string): Promise<void> {
    const data = GenerateReplyJob.parse({ replyId });
    await this.#add(REPLIES_QUEUE, "generate", data, { ...GENERATE_REPLY_OPTIONS, jobId: replyId });
  }

  async addDelivery(bot: BotKey, delivery: Delivery): Promise<void> {
    const data = DeliverReplyJob.parse(delivery);
    const jobId = `${data.kind}-${data.id}`;
    const options = { ...DELIVER_REPLY_OPTIONS, jobId };
    await this.#add(deliveryQueueName(bot), "deliver", data, options);
  }

  async #add(queueName: string, name: string, data: object, options: JobsOptions): Promise<void> {
    const queue = this.#queueOf(queueName);
    const isAdded = await endsWithin(queue.add(name, data, options), ADD_LIMIT_MS).catch(
      (error) => {
        throw new OutsideError("queue", "unreachable", { cause: error });
      },
    );
    if (!isAdded) throw new OutsideError("queue", "unreachable");
  }

  #queueOf(name: string): JobQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = this.#backend.createQueue(name);
    this.#queues.set(name, queue);
    return queue;
  }
}
