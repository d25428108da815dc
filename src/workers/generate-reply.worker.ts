import type { Logger } from "../core/log.ts";
import type { ProcessJob } from "./job-queue.ts";
import { GENERATE_RETRY_AFTER_MS_MAX, GenerateReplyJob } from "./jobs.ts";
import { isLastAttempt, runJob } from "./run-job.ts";

export interface GenerateReplyContext {
  /** Counts up at every start of this job: after a failure, a crash or a shutdown. */
  readonly attempt: number;
  /** When this one fails, the reply is given up. */
  readonly isLastAttempt: boolean;
  /**
   * Aborts when the process shuts down or another worker has taken over. The run should then throw
   * soon; whatever it throws, the reply is neither retried nor given up by this process.
   */
  readonly signal: AbortSignal;
}

export interface GenerateReply {
  /**
   * Throws a retryable error only while the person has seen nothing yet, so that running it again
   * is safe. May run more than once even after it ended well.
   */
  run(replyId: string, context: GenerateReplyContext): Promise<void>;
  /** Tells the person that we failed and releases the hold; nothing, when the reply has ended. */
  giveUp(replyId: string, error: unknown): Promise<void>;
}

/** Turns the core's errors into the queue's words: retry later, or never again. */
export function generateReplyWorker(generateReply: GenerateReply, log: Logger): ProcessJob {
  return async (job, token, signal) => {
    const { replyId } = GenerateReplyJob.parse(job.data);
    const context = { attempt: job.attemptsStarted, isLastAttempt: isLastAttempt(job), signal };
    await runJob(
      { job, token, signal },
      {
        run: () => generateReply.run(replyId, context),
        mayRetry: (error) => (error.retryAfterMs ?? 0) <= GENERATE_RETRY_AFTER_MS_MAX,
        giveUp: (error) => generateReply.giveUp(replyId, error),
      },
      log.child({ replyId }),
    );
  };
}
