import type { FreeReason } from "../reply-store.ts";
import type { TokenUsage } from "../upstream/upstream.ts";
import type { Unit } from "./lot.ts";
import { chargeOf, type ModelPrice } from "./price-list.ts";

/** No model reads or writes this much at once, whatever it costs. */
const TOKENS_MAX = 10_000_000;

/** How an answer went, as far as its price is concerned. */
export interface ReplyResult {
  readonly hold: { readonly unit: Unit; readonly amount: bigint };
  /** Prices when the hold was placed; `creditMax` is the most the answer could cost in credit. */
  readonly price: ModelPrice & { readonly creditMax: bigint };
  /** "cut": the upstream broke off in the middle. "failed": nothing that is worth paying for. */
  readonly outcome: "ended" | "stopped" | "cut" | "failed";
  /** `null` when the upstream sent none. */
  readonly upstreamUsage: TokenUsage | null;
  /** Our own count of what was sent and what came. */
  readonly countedUsage: TokenUsage;
  readonly wordsDelivered: boolean;
  /** The first word came later than promised. */
  readonly isSlow: boolean;
}

/** What a person pays for an answer, and from which figures that follows. */
export interface ReplyCharge {
  readonly unit: Unit;
  /** At most what was held. */
  readonly charge: bigint;
  /** Why it costs nothing; `null` when it has a price, be it 0. */
  readonly freeReason: FreeReason | null;
  readonly usage: TokenUsage;
  readonly usageSource: "upstream" | "counted";
  /** The upstream's figures were absurd, or the cost was more than the hold. */
  readonly usageClamped: boolean;
}

/**
 * Decides what an answer costs. A person pays for what they got: nothing when it failed, came too
 * late or brought no word; in messages nothing when the upstream broke off, else the model's price;
 * in credit the tokens that came.
 */
export function replyCharge(result: ReplyResult): ReplyCharge {
  const { hold, price } = result;
  const used = chooseUsage(result);
  const freeReason = whyFree(result);
  if (freeReason !== null) return { unit: hold.unit, charge: 0n, freeReason, ...used };

  const cost = hold.unit === "message" ? hold.amount : chargeOf(used.usage, price);
  const isOver = cost > hold.amount;
  return {
    unit: hold.unit,
    charge: isOver ? hold.amount : cost,
    freeReason: null,
    ...used,
    usageClamped: used.usageClamped || isOver,
  };
}

function whyFree({ outcome, isSlow, wordsDelivered, hold }: ReplyResult): FreeReason | null {
  if (outcome === "failed") return "failed";
  if (!wordsDelivered) return outcome === "cut" ? "upstream_cut" : "nothing_delivered";
  if (isSlow) return "slow";
  if (outcome === "cut" && hold.unit === "message") return "upstream_cut";
  return null;
}

/** The upstream's figures when the answer ended and they can be true, else our own count. */
function chooseUsage(
  result: ReplyResult,
): Pick<ReplyCharge, "usage" | "usageSource" | "usageClamped"> {
  const { upstreamUsage, countedUsage, outcome } = result;
  if (upstreamUsage === null || outcome === "stopped" || outcome === "cut") {
    return { usage: countedUsage, usageSource: "counted", usageClamped: false };
  }
  return isAbsurd(upstreamUsage, result)
    ? { usage: countedUsage, usageSource: "counted", usageClamped: true }
    : { usage: upstreamUsage, usageSource: "upstream", usageClamped: false };
}

/** Negative, not whole, or more than the hold could buy. */
function isAbsurd(usage: TokenUsage, { hold, price }: ReplyResult): boolean {
  const counts = [usage.inputTokens, usage.cachedTokens, usage.outputTokens];
  if (!counts.every((count) => Number.isInteger(count) && count >= 0 && count <= TOKENS_MAX)) {
    return true;
  }
  if (usage.cachedTokens > usage.inputTokens) return true;
  return chargeOf(usage, price) > (hold.unit === "credit" ? hold.amount : price.creditMax);
}
