import { OutsideError, UserError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { Delivery } from "../core/reply-queue.ts";
import type { ProcessJob } from "./job-queue.ts";
import { DeliverReplyJob } from "./jobs.ts";
import { runJob } from "./run-job.ts";

export interface DeliverReply {
  /**
   * Brings it to its chat, into the messages that show it already. May run more than once even
   * after it ended well. `signal` aborts when the process shuts down or another one has taken
   * over; the run should then throw soon.
   */
  run(delivery: Delivery, signal: AbortSignal): Promise<void>;
  /** Records that the chat cannot be reached; nothing, when it has been delivered. */
  giveUp(delivery: Delivery, error: unknown): Promise<void>;
}

/** Tries for as long as `jobs.ts` allows: the answer is paid for. */
export function deliverReplyWorker(deliverReply: DeliverReply, log: Logger): ProcessJob {
  return async (job, token, signal) => {
    const delivery = DeliverReplyJob.parse(job.data);
    await runJob(
      { job, token, signal },
      {
        run: () => deliverReply.run(delivery, signal).catch(retryLater),
        mayRetry: () => true,
        giveUp: (error) => deliverReply.giveUp(delivery, error),
      },
      log.child({ kind: delivery.kind, id: delivery.id }),
    );
  };
}

/** A fault nobody foresaw may be gone by the next try, or with the next version of this program. */
function retryLater(error: unknown): never {
  if (error instanceof OutsideError || error instanceof UserError) throw error;
  throw new OutsideError("delivery", "unreachable", { cause: error });
}
