import type { AccountStore } from "../account/account-store.ts";
import type { AuditLog } from "../admin/audit-log.ts";
import type { SendNotices } from "../admin/send-notices.ts";
import { parseAmount } from "../billing/amount.ts";
import type { Ledger } from "../billing/ledger.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { formatAmount, formatDate } from "../texts/format.ts";
import { textsFor } from "../texts/locales.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";
import { findAccount } from "./find-account.ts";
import { words } from "./parse-command.ts";

const DAY_MS = 24 * 60 * 60_000;
const DAYS_MAX = 3_650;

export interface GrantParts {
  readonly accounts: Pick<AccountStore, "search">;
  readonly ledger: Ledger;
  readonly audit: AuditLog;
  readonly notices: Pick<SendNotices, "toAccount">;
  readonly currency: string;
  readonly clock: Clock;
}

/** Gives credit as a gift lot. The message is the cause: handled twice, it grants once. */
export function grantCommand(parts: GrantParts): Command {
  return {
    name: "grant",
    isForAdmins: true,
    async run({ texts, actor, cause: message }, args) {
      const { accounts, ledger, audit, currency, clock } = parts;
      const grant = parseGrant(args);
      const account = await findAccount(accounts, grant.user);
      const validUntil =
        grant.days === null ? null : new Date(clock.now().getTime() + grant.days * DAY_MS);
      const cause = `grant:${message}`;
      // After a crash the same message comes again: then the rest of what follows is done.
      await ledger.grant({
        cause,
        accountId: account.id,
        unit: grant.unit,
        kind: "gift",
        priority: 50,
        amount: grant.amount,
        validUntil,
        modelScope: null,
        origin: "promotions",
        reason: grant.reason,
      });
      const entry = await ledger.findGrantEntry(cause);
      const amount = formatAmount(grant.unit, grant.amount, texts, currency);
      await audit.write({
        cause,
        actor,
        action: "grant",
        target: account.id,
        reason: grant.reason,
        before: null,
        after: {
          unit: grant.unit,
          amount: String(grant.amount),
          days: grant.days,
          entry: String(entry),
        },
      });
      const personTexts = textsFor(account.locale ?? "en");
      await parts.notices.toAccount(account.id, `${cause}:told`, {
        text: personTexts.grantReceived({
          amount: formatAmount(grant.unit, grant.amount, personTexts, currency),
          reason: escapeMarkdown(grant.reason),
          validUntil: validUntil === null ? null : formatDate(validUntil),
        }),
      });
      return {
        text: texts.granted({
          user: escapeMarkdown(grant.user),
          amount,
          validUntil: validUntil === null ? null : formatDate(validUntil),
          entry: String(entry),
        }),
      };
    },
  };
}

/** USER AMOUNT[m] [DAYS] REASON…: a number before further words is days. */
function parseGrant(args: string) {
  const [user, amountText, ...rest] = words(args);
  if (user === undefined || amountText === undefined) throw usage();
  const { unit, amount } = parseAmount(amountText);
  const [daysText] = rest;
  const hasDays = daysText !== undefined && /^[-+]?\d+$/.test(daysText);
  const days = hasDays ? Number(daysText) : null;
  if (days !== null && (days < 1 || days > DAYS_MAX)) {
    throw new UserError("days_invalid", { days: String(daysText).slice(0, 20) });
  }
  const reason = rest.slice(hasDays ? 1 : 0).join(" ");
  if (reason === "") throw usage();
  return { user, unit, amount, days, reason: reason.slice(0, 500) };
}

function usage(): UserError {
  return new UserError("usage", { usage: USAGE.grant });
}
