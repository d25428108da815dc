import type { Logger } from "../core/log.ts";
import type { ReplyFeed, ReplyProgress } from "../core/reply-feed.ts";

/** The feed within one process. A listener that throws is logged and disturbs nobody else. */
export class LocalReplyFeed implements ReplyFeed {
  readonly #log: Logger;
  readonly #onProgress = new Set<(progress: ReplyProgress) => void>();
  readonly #onStop = new Set<(replyId: string) => void>();

  constructor(log: Logger) {
    this.#log = log;
  }

  publishProgress(progress: ReplyProgress): void {
    this.#tell(this.#onProgress, progress);
  }

  subscribeProgress(listener: (progress: ReplyProgress) => void): () => void {
    return subscribe(this.#onProgress, listener);
  }

  publishStop(replyId: string): void {
    this.#tell(this.#onStop, replyId);
  }

  subscribeStop(listener: (replyId: string) => void): () => void {
    return subscribe(this.#onStop, listener);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  #tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#log.error({ err: error }, "a feed listener failed");
      }
    }
  }
}

function subscribe<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void) {
  // Of its own, so that the same function may subscribe twice.
  const own = (value: T): void => listener(value);
  listeners.add(own);
  return (): void => {
    listeners.delete(own);
  };
}
