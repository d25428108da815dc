import type { AccountStore } from "./account/account-store.ts";
import { HOLD_LEASE_MS } from "./ask-question.ts";
import type { Clock } from "./clock.ts";
import type { ConversationStore } from "./conversation/conversation-store.ts";
import type { RoleList } from "./conversation/role.ts";
import { OutsideError, UserError } from "./errors.ts";
import { type FinishReply, failureOf, type Outcome } from "./finish-reply.ts";
import type { Logger } from "./log.ts";
import { PreviewPublisher } from "./preview-publisher.ts";
import type { PromptBuilder } from "./prompt-builder.ts";
import type { ReplyFeed } from "./reply-feed.ts";
import type { ReplyHeartbeat } from "./reply-heartbeat.ts";
import type { Reply, ReplyStore } from "./reply-store.ts";
import type { ModelCatalog } from "./upstream/model-catalog.ts";
import type { LoadTokenCounter } from "./upstream/token-counter.ts";
import type { CompletionPool, CompletionRequest } from "./upstream/upstream.ts";

/** Whoever asked an hour ago has gone; a late answer would only surprise and cost. */
const WAIT_MS_MAX = 60 * 60_000;
/** An upstream that ignores its limit is cut off here; the slack is for other tokenizers. */
const OUTPUT_SLACK = 1.5;
const OUTPUT_CHECK_INTERVAL_MS = 1_000;

export interface GenerateReplyParts {
  readonly replies: ReplyStore;
  readonly accounts: AccountStore;
  readonly conversations: ConversationStore;
  readonly prompts: PromptBuilder;
  readonly models: ModelCatalog;
  readonly roles: RoleList;
  readonly pool: CompletionPool;
  readonly loadTokenCounter: LoadTokenCounter;
  readonly feed: ReplyFeed;
  readonly heartbeat: ReplyHeartbeat;
  readonly finish: FinishReply;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Writes one reply: streams it from the pool, shows it growing over the feed, and ends it with its
 * charge in one transaction.
 *
 * Safe to run twice or to be taken over after a crash: until that transaction nothing is charged
 * and nothing final is shown, and after it a further run finds nothing to do.
 */
export class GenerateReply {
  readonly #parts: GenerateReplyParts;
  readonly #running = new Map<string, AbortController>();

  constructor(parts: GenerateReplyParts) {
    this.#parts = parts;
    parts.feed.subscribeStop((replyId) => this.#running.get(replyId)?.abort());
  }

  /**
   * Throws a retryable `OutsideError` only while the person has seen nothing yet, or when
   * `signal` aborts for a shutdown: then another process does it all again.
   */
  async run(replyId: string, context: { readonly signal: AbortSignal }): Promise<void> {
    const reply = await this.#start(replyId);
    if (reply === null) return;
    const beganMs = this.#parts.clock.elapsedMs();
    const stop = new AbortController();
    this.#running.set(replyId, stop);
    this.#parts.heartbeat.add(replyId);
    try {
      if (reply.isStopRequested) stop.abort();
      const outcome = await this.#write(reply, beganMs, stop.signal, context.signal);
      await this.#parts.finish.finish(reply, outcome);
    } finally {
      this.#running.delete(replyId);
      this.#parts.heartbeat.remove(replyId);
    }
  }

  /** Ends a reply that cannot be had: its hold returns, the person is told. */
  async giveUp(replyId: string, error: unknown): Promise<void> {
    const reply = await this.#parts.replies.find(replyId);
    if (reply !== null) await this.#parts.finish.fail(reply, failureOf(error));
  }

  async #start(replyId: string): Promise<Reply | null> {
    const { replies, finish } = this.#parts;
    try {
      const reply = await replies.start(replyId, HOLD_LEASE_MS);
      if (reply === null) return null;
      if (reply.waitedMs <= WAIT_MS_MAX) return reply;
      await finish.fail(reply, "waited_too_long");
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      await this.giveUp(replyId, error);
    }
    return null;
  }

  async #write(
    reply: Reply,
    beganMs: number,
    stop: AbortSignal,
    shutdown: AbortSignal,
  ): Promise<Outcome> {
    const { clock, pool, feed, loadTokenCounter } = this.#parts;
    const bot = { platform: reply.address.platform, bot: reply.address.bot };
    feed.publishProgress({ type: "started", replyId: reply.id, bot });
    const request = await this.#buildRequest(reply);
    const running = (await loadTokenCounter()).startCount();
    const publisher = new PreviewPublisher(feed, clock, {
      replyId: reply.id,
      bot,
      attempt: reply.attempts,
    });
    const tooLong = new AbortController();
    const signal = AbortSignal.any([stop, shutdown, tooLong.signal]);
    const outcome: Outcome = {
      end: "cut",
      text: "",
      source: null,
      usage: null,
      finish: "stop",
      beganMs,
      firstWordMs: null,
      inputTokens: request.inputTokens,
      countOutput: () => running.total,
    };
    let checkedAtMs = clock.now().getTime();
    try {
      for await (const event of pool.complete(request, signal)) {
        if (event.type === "source") outcome.source = event.source;
        else if (event.type === "done") {
          Object.assign(outcome, { end: "ended", usage: event.usage, finish: event.finish });
        } else if (event.text !== "") {
          outcome.firstWordMs ??= clock.elapsedMs();
          outcome.text += event.text;
          running.add(event.text);
          publisher.publish(outcome.text);
          const nowMs = clock.now().getTime();
          if (nowMs - checkedAtMs < OUTPUT_CHECK_INTERVAL_MS) continue;
          checkedAtMs = nowMs;
          if (running.total > reply.outputTokensMax * OUTPUT_SLACK) tooLong.abort();
        }
      }
    } catch (error) {
      if (!(error instanceof OutsideError) || outcome.text === "") throw error;
      this.#parts.log.warn({ err: error, replyId: reply.id }, "answer was cut");
    }
    if (outcome.end === "ended") return outcome;
    if (stop.aborted) return { ...outcome, end: "stopped" };
    if (tooLong.signal.aborted) return { ...outcome, end: "ended", finish: "length" };
    // Another process writes it anew; what this one has shown is only a preview.
    if (shutdown.aborted) throw new OutsideError("worker", "overloaded");
    return outcome;
  }

  async #buildRequest(reply: Reply): Promise<CompletionRequest> {
    const { accounts, conversations, models, prompts, roles } = this.#parts;
    const model = models.find(reply.modelAsked);
    if (model === null) throw new UserError("model_not_available");
    const [account, question, images] = await Promise.all([
      accounts.find(reply.accountId),
      conversations.readTurn(reply.questionTurnId),
      model.images ? prompts.readImages(reply.questionTurnId) : [],
    ]);
    const window = await prompts.build({
      conversationId: reply.conversationId,
      systemPrompt: roles.choose(account?.role ?? null).prompt,
      question: { role: "user", text: question.text, images },
      beforeTurn: reply.questionTurnId,
      exceptTurn: null,
      // Not more than was held: the charge can then never exceed the hold.
      inputTokensMax: reply.inputTokensMax,
      images: model.images,
    });
    return {
      model: reply.modelAsked,
      turns: window.turns,
      inputTokens: window.inputTokens,
      outputTokensMax: reply.outputTokensMax,
      stickyKey: reply.conversationId,
    };
  }
}
