import { describeIdentity } from "../account/describe-identity.ts";
import { LINK_CODE_LIFE_MS, type LinkAccounts } from "../account/link-accounts.ts";
import { formatLinkCode } from "../account/link-code.ts";
import type { LinkPictures } from "../account/link-pictures.ts";
import type { Ledger } from "../billing/ledger.ts";
import { UserError } from "../errors.ts";
import { formatFunds } from "../texts/format.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";

/** Before a code that was scanned, not written: "/link scanned CODE". */
const SCANNED = "scanned ";

/**
 * Shows a code, or takes one: then both chats share one account. The answer is private, since a
 * code is the right to the credit.
 */
export function linkCommand(parts: {
  linkAccounts: LinkAccounts;
  ledger: Ledger;
  currency: string;
  /** `null` where no platform can scan. */
  pictures: LinkPictures | null;
}): Command {
  return {
    name: "link",
    isForAdmins: false,
    async run({ message, person, texts }, args) {
      const { linkAccounts, ledger, currency, pictures } = parts;
      if (args === "") {
        const code = await linkAccounts.issue(person);
        // Who asks there already would scan with the chat that shows it.
        const isElsewhere = pictures?.platform !== message.address.platform;
        const text = texts.link.code({
          code: formatLinkCode(code),
          minutes: LINK_CODE_LIFE_MS / 60_000,
          picture: isElsewhere ? ((await pictures?.create(code, LINK_CODE_LIFE_MS)) ?? null) : null,
        });
        return { text, isPrivate: true, isSecret: true };
      }
      const scanned = args.startsWith(SCANNED) ? args.slice(SCANNED.length) : null;
      // A code is scanned sooner than it is read: who has an account already says so once more.
      if (scanned !== null && !person.isNew) {
        return { text: texts.link.confirmScan(scanned), isPrivate: true, isSecret: true };
      }
      const isPublic = !message.isDirect;
      const link = linkAccounts.link(person, scanned ?? args, { isPublic });
      const { account, identities } = await link;
      const { available } = await ledger.balance(account.id);
      const text = texts.link.linked({
        chats: identities.map(describeIdentity),
        balance: formatFunds(available, texts, currency),
      });
      return { text, isPrivate: true, isSecret: true };
    },
  };
}

/** Takes the chat off its account; the credit stays there. */
export function unlinkCommand(linkAccounts: LinkAccounts): Command {
  return {
    name: "unlink",
    isForAdmins: false,
    async run({ person, texts }, args) {
      // Nobody loses their credit by "/unlink telegram", meant for another chat.
      if (args !== "") throw new UserError("usage", { usage: USAGE.unlink });
      const rest = await linkAccounts.unlink(person);
      return { text: texts.link.unlinked(rest.map(describeIdentity)), isPrivate: true };
    },
  };
}
