import { randomUUID } from "node:crypto";
import type { Logger } from "../core/log.ts";
import type { ReplyFeed, ReplyProgress } from "../core/reply-feed.ts";
import { decodeStop, encodeProgress, encodeStop, ProgressDecoder } from "./feed-message.ts";
import type { FeedMessage, FeedWire } from "./feed-wire.ts";
import { LocalReplyFeed } from "./local-reply-feed.ts";
import { QuietWarning } from "./quiet-warning.ts";
import { endsWithin } from "./time-limit.ts";

/** The first message of a quiet moment goes at once, what follows goes together. */
const FLUSH_INTERVAL_MS = 30;
/** What may wait while the wire is slow, in code units; previews beyond it are dropped. */
const PENDING_LENGTH_MAX = 2_000_000;
/** A preview without text counts as this much. */
const MESSAGE_LENGTH_MIN = 200;
const STOP_LIMIT_MS = 2_000;

/**
 * A feed between processes: listeners of this one hear everything at once, those of others over the
 * wire. What a reply published since the last flush travels as one message, so a slow wire gets
 * fewer and longer messages instead of a growing backlog.
 */
export class CombinedReplyFeed implements ReplyFeed {
  readonly #wire: FeedWire;
  readonly #local: LocalReplyFeed;
  readonly #trouble: QuietWarning;
  readonly #origin = randomUUID();
  readonly #decoder = new ProgressDecoder(this.#origin);
  #stops: string[] = [];
  #pending: ReplyProgress[] = [];
  /** The place in `#pending` of a reply's last text. */
  #lastTextOf = new Map<string, number>();
  #pendingLength = 0;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #isStopped = false;

  constructor(wire: FeedWire, log: Logger) {
    this.#wire = wire;
    this.#local = new LocalReplyFeed(log);
    this.#trouble = new QuietWarning(log, "previews do not reach other processes");
  }

  publishProgress(progress: ReplyProgress): void {
    this.#local.publishProgress(progress);
    if (this.#isStopped) return;
    this.#enqueue(progress);
    this.#schedule();
  }

  publishStop(replyId: string): void {
    this.#local.publishStop(replyId);
    if (this.#isStopped) return;
    this.#stops.push(replyId);
    this.#schedule();
  }

  subscribeProgress(listener: (progress: ReplyProgress) => void): () => void {
    return this.#local.subscribeProgress(listener);
  }

  subscribeStop(listener: (replyId: string) => void): () => void {
    return this.#local.subscribeStop(listener);
  }

  start(): Promise<void> {
    return this.#wire.start((message) => this.#receive(message));
  }

  /** Sends what waits, if that works soon, and disconnects. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await endsWithin(this.#sendRest(), STOP_LIMIT_MS);
    await this.#wire.stop();
  }

  #receive({ channel, payload }: FeedMessage): void {
    if (channel === "stop") {
      const replyId = decodeStop(this.#origin, payload);
      if (replyId !== null) this.#local.publishStop(replyId);
      return;
    }
    const progress = this.#decoder.decode(payload);
    if (progress !== null) this.#local.publishProgress(progress);
  }

  #enqueue(progress: ReplyProgress): void {
    const length = progress.type === "text" ? progress.text.length : 0;
    if (this.#pendingLength + length > PENDING_LENGTH_MAX) return;
    this.#pendingLength += Math.max(length, MESSAGE_LENGTH_MIN);
    const place = this.#lastTextOf.get(progress.replyId);
    const last = place === undefined ? undefined : this.#pending[place];
    const merged = last === undefined ? null : merge(last, progress);
    if (place !== undefined && merged !== null) {
      this.#pending[place] = merged;
    } else {
      this.#lastTextOf.set(progress.replyId, this.#pending.push(progress) - 1);
    }
  }

  #schedule(): void {
    if (this.#timer !== null || this.#flushing !== null) return;
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = null;
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => {
        this.#timer = null;
        if (this.#stops.length > 0 || this.#pending.length > 0) this.#schedule();
      }, FLUSH_INTERVAL_MS);
    });
  }

  async #sendRest(): Promise<void> {
    await this.#flushing;
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const stops = this.#stops.map((replyId) => encodeStop(this.#origin, replyId));
    const texts = this.#pending.flatMap((progress) =>
      encodeProgress(this.#origin, progress, this.#wire.payloadBytesMax),
    );
    this.#stops = [];
    this.#pending = [];
    this.#lastTextOf = new Map();
    this.#pendingLength = 0;
    if (stops.length + texts.length === 0) return;
    try {
      await this.#wire.send([
        ...stops.map((payload) => ({ channel: "stop", payload }) as const),
        ...texts.map((payload) => ({ channel: "progress", payload }) as const),
      ]);
    } catch (error) {
      this.#trouble.warn(error);
    }
  }
}

/** Both as one; `null` when the second does not go on where the first ends. */
function merge(first: ReplyProgress, second: ReplyProgress): ReplyProgress | null {
  if (first.type !== "text" || second.type !== "text" || first.attempt !== second.attempt) {
    return null;
  }
  if (second.offset === 0) return second;
  const isNext = first.offset + first.text.length === second.offset;
  return isNext ? { ...first, text: first.text + second.text } : null;
}
