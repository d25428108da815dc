import type { AccountStore } from "../account/account-store.ts";
import { UserError } from "../errors.ts";
import type { ReplyStore } from "../reply-store.ts";
import { formatAmount, formatTime } from "../texts/format.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";

const ANSWERS_SHOWN = 10;

/** The last answers and what they cost; "on" and "off" switch the line under each answer. */
export function usageCommand(parts: {
  accounts: AccountStore;
  replies: ReplyStore;
  currency: string;
}): Command {
  return {
    name: "usage",
    isForAdmins: false,
    async run({ texts, person }, args) {
      const { accounts, replies, currency } = parts;
      const choice = args.trim().toLowerCase();
      if (choice === "on" || choice === "off") {
        await accounts.changeSettings(person.account.id, { showReceipt: choice === "on" });
        return { text: texts.receiptSwitched(choice === "on") };
      }
      if (choice !== "") throw new UserError("usage", { usage: USAGE.usage });
      const recent = await replies.listRecent(person.account.id, ANSWERS_SHOWN);
      const text = texts.usage(
        recent.map((reply) => ({
          at: formatTime(reply.answeredAt ?? reply.receivedAt),
          modelAsked: reply.modelAsked,
          modelAnswered: reply.modelAnswered,
          inputTokens: reply.inputTokens,
          outputTokens: reply.outputTokens,
          cost: formatAmount(reply.unit, reply.charge, texts, currency),
          freeReason: reply.freeReason,
        })),
      );
      return { text, isPrivate: true };
    },
  };
}
