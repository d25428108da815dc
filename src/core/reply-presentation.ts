import type { Account } from "./account/account.ts";
import type { AccountBalance } from "./billing/ledger.ts";
import type { MessageButton } from "./chat/chat-adapter.ts";
import { type Fence, fenceAfter } from "./chat/markdown-fence.ts";
import type { Reply } from "./reply-store.ts";
import { formatAmount, formatFunds } from "./texts/format.ts";
import { escapeMarkdown } from "./texts/markdown.ts";
import type { FailureCode, Texts } from "./texts/texts.ts";

const FENCE_LINE_BYTES_MAX = 200;

/** What the person finally sees of a reply. */
export interface FinalReply {
  /** Markdown of any length; empty when there is nothing to show. */
  readonly text: string;
  readonly receipt: string;
  readonly buttons: readonly MessageButton[];
}

export interface PresentReplyOptions {
  readonly texts: Texts;
  readonly account: Account | null;
  readonly balance: AccountBalance;
  readonly currency: string;
  readonly showReceipt: boolean;
}

/** The answer, what is to be said about how it went, and the receipt that ends its last message. */
export function presentReply(reply: Reply, options: PresentReplyOptions): FinalReply {
  const { texts } = options;
  const answer = reply.text ?? "";
  const showReceipt = options.account?.showReceipt ?? options.showReceipt;
  const isWanted = showReceipt && answer !== "";
  // The rest of a parked answer goes on exactly where it stopped, with the receipt it had then.
  const receipt = reply.receipt ?? (isWanted ? receiptOf(reply, options) : "");
  const parts = [closeFence(answer), ...notesOf(reply, texts), receipt];
  return {
    text: parts.filter((part) => part !== "").join("\n\n"),
    receipt,
    buttons: [
      { action: "retry", replyId: reply.id, label: texts.buttons.retry },
      { action: "new", replyId: reply.id, label: texts.buttons.new },
    ],
  };
}

/** An answer that broke off in a code block must not swallow what is said after it. */
function closeFence(answer: string): string {
  let fence: Fence | null = null;
  for (const line of answer.split("\n")) fence = fenceAfter(line, fence, FENCE_LINE_BYTES_MAX);
  return fence === null ? answer : `${answer.trimEnd()}\n${fence.marker}`;
}

function notesOf(reply: Reply, texts: Texts): string[] {
  const notes: string[] = [];
  const failure = reply.failure as FailureCode | null;
  if (failure === "upstream_cut" && reply.freeReason === null) notes.push(texts.cutAnswer);
  else if (failure !== null) notes.push(texts.failures[failure]);
  if (reply.state === "stopped") notes.push(texts.stoppedAnswer);
  if (reply.freeReason === "slow") notes.push(texts.slowAnswer);
  return notes;
}

function receiptOf(reply: Reply, { texts, balance, currency }: PresentReplyOptions): string {
  return texts.receipt({
    modelAsked: escapeMarkdown(reply.modelAsked),
    modelAnswered: reply.modelAnswered === null ? null : escapeMarkdown(reply.modelAnswered),
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    cost: formatAmount(reply.unit, reply.charge, texts, currency),
    freeReason: reply.freeReason,
    left: formatFunds(balance.available, texts, currency),
  });
}
