import { chargeOf } from "./billing/price-list.ts";
import { replyCharge } from "./billing/reply-charge.ts";
import type { ChatSettings } from "./chat-settings.ts";
import type { Clock } from "./clock.ts";
import { OutsideError, UserError } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { ReplyDispatcher } from "./reply-dispatcher.ts";
import type { ReplyMetrics } from "./reply-metrics.ts";
import type { Reply, ReplyEnd, ReplyStore } from "./reply-store.ts";
import type { FailureCode } from "./texts/texts.ts";
import type { ModelCatalog } from "./upstream/model-catalog.ts";
import type { CompletionSource, TokenUsage } from "./upstream/upstream.ts";

/** How writing an answer went. */
export interface Outcome {
  /** "cut": the upstream broke off in the middle. */
  end: "ended" | "stopped" | "cut";
  text: string;
  source: CompletionSource | null;
  usage: TokenUsage | null;
  finish: "stop" | "length" | "filtered";
  /** Of this worker's own clock: when it began, and when the first word came. */
  readonly beganMs: number;
  firstWordMs: number | null;
  /** Our own counts, for upstreams that tell nothing. */
  readonly inputTokens: number;
  readonly countOutput: () => number;
}

export interface FinishReplyParts {
  readonly replies: Pick<ReplyStore, "finish">;
  readonly models: Pick<ModelCatalog, "find">;
  readonly dispatcher: Pick<ReplyDispatcher, "deliver" | "release">;
  readonly settings: Pick<ChatSettings, "slowAnswerFreeAfterMs">;
  readonly metrics: ReplyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ends replies: decides what is charged, saves it all at once, has it delivered. */
export class FinishReply {
  readonly #parts: FinishReplyParts;

  constructor(parts: FinishReplyParts) {
    this.#parts = parts;
  }

  async finish(reply: Reply, outcome: Outcome): Promise<void> {
    const failure = failureOfOutcome(outcome);
    // Until the worker began the database measured, from then on the worker: two clocks that differ
    // are never subtracted from each other.
    const waitedMs = (clockMs: number) => Math.round(reply.releasedMs + clockMs - outcome.beganMs);
    const firstWordMs = outcome.firstWordMs === null ? null : waitedMs(outcome.firstWordMs);
    const { slowAnswerFreeAfterMs } = this.#parts.settings;
    const charge = replyCharge({
      hold: { unit: reply.unit, amount: reply.heldAmount },
      price: reply.price,
      outcome: failure === "filtered" || failure === "empty_answer" ? "failed" : outcome.end,
      upstreamUsage: outcome.end === "ended" ? outcome.usage : null,
      countedUsage: {
        inputTokens: outcome.inputTokens,
        cachedTokens: 0,
        outputTokens: outcome.countOutput(),
      },
      wordsDelivered: outcome.text !== "",
      isSlow:
        slowAnswerFreeAfterMs !== null &&
        firstWordMs !== null &&
        firstWordMs > slowAnswerFreeAfterMs,
    });
    const state =
      outcome.end === "stopped" ? "stopped" : outcome.text === "" ? "failed" : "answered";
    await this.#save(reply, {
      id: reply.id,
      state,
      text: outcome.text,
      charge: charge.charge,
      upstreamCost: this.#upstreamCost(reply.modelAsked, charge.usage, outcome.source),
      modelAnswered: outcome.source?.modelAnswered ?? null,
      upstream: outcome.source?.upstream ?? null,
      ...charge.usage,
      usageSource: charge.usageSource,
      usageClamped: charge.usageClamped,
      freeReason: charge.freeReason,
      failure,
      firstWordAt: momentAfter(reply.releasedAt, firstWordMs),
      firstWordMs,
      answerMs: waitedMs(this.#parts.clock.elapsedMs()),
    });
  }

  async fail(reply: Reply, failure: FailureCode): Promise<void> {
    await this.#save(reply, {
      id: reply.id,
      state: "failed",
      text: "",
      charge: 0n,
      upstreamCost: 0n,
      modelAnswered: null,
      upstream: null,
      inputTokens: null,
      cachedTokens: null,
      outputTokens: null,
      usageSource: null,
      usageClamped: false,
      freeReason: "failed",
      failure,
      firstWordAt: null,
      firstWordMs: null,
      answerMs: null,
    });
  }

  async #save(reply: Reply, end: ReplyEnd): Promise<void> {
    const { replies, dispatcher, metrics, log } = this.#parts;
    const charged = await replies.finish(end);
    if (charged !== null) {
      metrics.replyFinished({
        platform: reply.address.platform,
        model: reply.modelAsked,
        outcome: end.failure ?? end.state,
        firstWordMs: end.firstWordMs,
        usageClamped: end.usageClamped,
      });
      log.info(
        {
          replyId: reply.id,
          platform: reply.address.platform,
          state: end.state,
          failure: end.failure,
          upstream: end.upstream,
          model: reply.modelAsked,
          firstWordMs: end.firstWordMs,
          inputTokens: end.inputTokens,
          outputTokens: end.outputTokens,
          usageClamped: end.usageClamped,
        },
        "reply ended",
      );
    }
    await dispatcher.deliver({
      id: reply.id,
      platform: reply.address.platform,
      bot: reply.address.bot,
    });
    await dispatcher.release(reply.accountId);
  }

  /** The provider bills what it worked, also when the person pays nothing. */
  #upstreamCost(modelName: string, usage: TokenUsage, source: CompletionSource | null): bigint {
    const model = this.#parts.models.find(modelName);
    return model === null || source === null ? 0n : chargeOf(usage, model.cost);
  }
}

/** By the clock that `start` is of. */
function momentAfter(start: Date | null, ms: number | null): Date | null {
  return start === null || ms === null ? null : new Date(start.getTime() + ms);
}

function failureOfOutcome(outcome: Outcome): FailureCode | null {
  if (outcome.end === "cut") return "upstream_cut";
  if (outcome.end === "stopped") return null;
  if (outcome.finish === "filtered") return "filtered";
  if (outcome.text.trim() === "") return "empty_answer";
  return outcome.finish === "length" ? "length_reached" : null;
}

/** What the person is told when no answer can be had. */
export function failureOf(error: unknown): FailureCode {
  if (error instanceof UserError) {
    if (error.code === "insufficient_credit") return "insufficient_credit";
    if (error.code === "model_not_available") return "model_not_available";
  }
  if (!(error instanceof OutsideError)) return "internal";
  return error.kind === "rejected" ? "upstream_rejected" : "upstream_unavailable";
}
