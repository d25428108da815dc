import type { Account } from "../account/account.ts";
import type { AccountStore } from "../account/account-store.ts";
import type { AuditLog } from "../admin/audit-log.ts";
import type { StatsStore } from "../admin/stats-store.ts";
import type { JournalEntry, Ledger, Undone } from "../billing/ledger.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { formatAmount, formatDate, formatFunds, formatTime } from "../texts/format.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { Texts } from "../texts/texts.ts";
import type { Command, CommandContext } from "./command.ts";
import { USAGE } from "./command-names.ts";
import { findAccount } from "./find-account.ts";
import { splitFirst } from "./parse-command.ts";

const ENTRIES_SHOWN = 8;
const MONTH_MS = 30 * 24 * 60 * 60_000;

export interface UserCommandParts {
  readonly accounts: AccountStore;
  readonly ledger: Ledger;
  readonly stats: StatsStore;
  readonly audit: AuditLog;
  readonly currency: string;
  readonly clock: Clock;
}

export function userCommand(parts: UserCommandParts): Command {
  return {
    name: "user",
    isForAdmins: true,
    async run({ texts }, args) {
      const { accounts, ledger, stats, currency, clock } = parts;
      if (args === "") throw new UserError("usage", { usage: USAGE.user });
      const account = await findAccount(accounts, args);
      const identities = await accounts.listIdentities(account.id);
      const balance = await ledger.balance(account.id);
      const since = new Date(clock.now().getTime() - MONTH_MS);
      const month = await stats.readAccount(account.id, since);
      const entries = await ledger.listEntries(account.id, ENTRIES_SHOWN);
      const text = texts.user({
        account: account.id,
        identities: identities.map(({ platform, platformUserId, displayName, username }) =>
          escapeMarkdown(
            `${platform}:${platformUserId} ${displayName}${username === null ? "" : ` @${username}`}`,
          ),
        ),
        since: formatDate(account.createdAt),
        banReason: account.status === "banned" ? escapeMarkdown(account.banReason ?? "") : null,
        credit: formatAmount("credit", balance.available.credit, texts, currency),
        messages: formatAmount("message", balance.available.message, texts, currency),
        held: formatFunds(balance.held, texts, currency),
        month: {
          requests: month.requests,
          cost: formatFunds({ credit: month.credit, message: month.messages }, texts, currency),
        },
        entries: entries.map((entry) => describeEntry(entry, texts, currency)),
      });
      return { text };
    },
  };
}

export function banCommand(parts: UserCommandParts): Command {
  return {
    name: "ban",
    isForAdmins: true,
    async run(context, args) {
      const { texts } = context;
      const { first: user, rest: reason } = splitFirst(args);
      if (user === "" || reason === "") throw new UserError("usage", { usage: USAGE.ban });
      const account = await findAccount(parts.accounts, user);
      await changeBan(parts, context, account, reason.slice(0, 300));
      return { text: texts.banned(escapeMarkdown(user), escapeMarkdown(reason.slice(0, 300))) };
    },
  };
}

export function unbanCommand(parts: UserCommandParts): Command {
  return {
    name: "unban",
    isForAdmins: true,
    async run(context, args) {
      if (args === "") throw new UserError("usage", { usage: USAGE.unban });
      const account = await findAccount(parts.accounts, args);
      await changeBan(parts, context, account, null);
      return { text: context.texts.unbanned(escapeMarkdown(args)) };
    },
  };
}

/** Takes back what is left of a grant or a card, by a new entry. */
export function undoCommand(parts: UserCommandParts): Command {
  return {
    name: "undo",
    isForAdmins: true,
    async run({ texts, actor }, args) {
      const { ledger, audit, currency } = parts;
      if (!/^\d{1,18}$/.test(args)) throw new UserError("usage", { usage: USAGE.undo });
      const entry = BigInt(args);
      const { undone, refusal } = await undoOrFind(ledger, entry, `undo by ${actor}`);
      const isNew = await audit.write({
        cause: `undo:${entry}`,
        actor,
        action: "undo",
        target: undone.accountId,
        reason: `entry ${args}`,
        before: null,
        after: { unit: undone.unit, amount: String(undone.amount) },
      });
      // Undone but not noted down: it was interrupted before, and ends now.
      if (refusal !== null && !isNew) throw refusal;
      const amount = formatAmount(undone.unit, undone.amount, texts, currency);
      return { text: texts.undone({ entry: args, user: undone.accountId, amount }) };
    },
  };
}

async function undoOrFind(
  ledger: Ledger,
  entry: bigint,
  reason: string,
): Promise<{ undone: Undone; refusal: UserError | null }> {
  try {
    return { undone: await ledger.undo(entry, reason), refusal: null };
  } catch (error) {
    if (!(error instanceof UserError && error.code === "already_undone")) throw error;
    return { undone: await ledger.findUndone(entry), refusal: error };
  }
}

async function changeBan(
  { accounts, audit }: UserCommandParts,
  { actor, cause }: CommandContext,
  account: Account,
  reason: string | null,
): Promise<void> {
  const action = reason === null ? "unban" : "ban";
  // First, so that a crash in between cannot make the record name the new state as the old one.
  await audit.write({
    cause: `${action}:${cause}`,
    actor,
    action,
    target: account.id,
    reason: reason ?? "",
    before: { status: account.status, reason: account.banReason },
    after: { status: reason === null ? "active" : "banned", reason },
  });
  await accounts.setBan(account.id, reason);
}

function describeEntry(entry: JournalEntry, texts: Texts, currency: string): string {
  const amount = formatAmount(entry.unit, entry.amount, texts, currency);
  const { id, fromAccount, toAccount, createdAt, reason } = entry;
  return escapeMarkdown(
    `${id} · ${formatTime(createdAt)} · ${fromAccount} → ${toAccount} · ${amount} · ${reason}`,
  );
}
