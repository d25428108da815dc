import type { ReplyEnd } from "../../../src/core/reply-store.ts";

/** The end of a reply that was stopped while it waited. */
export function stoppedBefore(id: string): ReplyEnd {
  return {
    id,
    state: "stopped",
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
    freeReason: "nothing_delivered",
    failure: null,
    firstWordAt: null,
    firstWordMs: null,
    answerMs: null,
  };
}
