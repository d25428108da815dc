import { randomUUID } from "node:crypto";
import { createId } from "../../src/core/ids.ts";
import type { NewReply } from "../../src/core/reply-store.ts";

/** Who asks, and where. */
export interface Asking {
  readonly accountId: string;
  readonly identityId: bigint;
  readonly conversationId: string;
  /** A direct chat on the platform "fake". */
  readonly channel: string;
}

/** A question as it is opened, like others but for `changes`. The tests decide what may run. */
export function newReplyOf(
  { accountId, identityId, conversationId, channel }: Asking,
  changes: Partial<NewReply> = {},
): NewReply {
  return {
    ...{ id: createId(new Date()), mergeInto: null, accountId, identityId, conversationId },
    address: { platform: "fake", bot: "1", channel, thread: null },
    isDirect: true,
    messageId: randomUUID(),
    locale: "en",
    text: "How are you?",
    title: "How are you?",
    images: [],
    model: "m",
    price: {
      input: 1_000_000n,
      cachedInput: 1_000_000n,
      output: 2_000_000n,
      messageCost: 1n,
      creditMax: 210n,
      creditMin: 30n,
    },
    inputTokens: 10,
    outputTokensMax: 100,
    leaseMs: 900_000,
    waitMs: 0,
    runningMax: 0,
    openRepliesMax: 20,
    receivedAt: new Date(),
    supersedesTurn: null,
    ...changes,
  };
}
