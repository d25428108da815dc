import type { RedeemCards, RedeemReport } from "../cards/redeem-cards.ts";
import { UserError } from "../errors.ts";
import { formatAmount, formatDate, formatTime } from "../texts/format.ts";
import type { Texts } from "../texts/texts.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";

/** Activates recharge cards. In a group the message with the code goes, the answer is private. */
export function redeemCommand(cards: RedeemCards, currency: string): Command {
  return {
    name: "redeem",
    isForAdmins: false,
    async run({ message, person, texts }, args) {
      const { platform, bot } = message.address;
      const reports = await cards.redeem(
        {
          accountId: person.account.id,
          identityKey: `${platform}:${bot}:${message.sender.platformUserId}`,
        },
        args,
      );
      if (reports.length === 0) throw new UserError("usage", { usage: USAGE.redeem });
      return {
        text: [...new Set(reports.map((report) => describe(report, texts, currency)))].join("\n"),
        isPrivate: true,
        groupText: texts.redeemDoneInGroup,
        isSecret: true,
      };
    },
  };
}

function describe({ code, outcome }: RedeemReport, texts: Texts, currency: string): string {
  switch (outcome.status) {
    case "redeemed":
      return texts.redeemed({
        code,
        amount: formatAmount(outcome.unit, outcome.amount, texts, currency),
        validUntil: formatDate(outcome.validUntil),
        isExtended: outcome.isExtended,
      });
    case "already_yours":
      return texts.redeemAlreadyYours(code);
    case "typo":
      return texts.redeemTypo(code);
    case "invalid_or_used":
      return texts.redeemInvalid(code);
    case "limit_per_account":
      return texts.redeemLimit(code);
    case "locked":
      return texts.redeemLocked(formatTime(outcome.until));
  }
}
