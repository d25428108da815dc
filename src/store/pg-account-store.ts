import type pg from "pg";
import type {
  Account,
  AccountSettings,
  Identity,
  Person,
  SeenSender,
} from "../core/account/account.ts";
import type { AccountStore } from "../core/account/account-store.ts";
import { createAccountId } from "../core/ids.ts";
import { orBusy, preparedQuery } from "./pg-pool.ts";
import { storableText } from "./reply-rows.ts";

interface AccountRow {
  readonly id: string;
  readonly status: Account["status"] | "merged";
  readonly ban_reason: string | null;
  readonly locale: string | null;
  readonly model: string | null;
  readonly role: string | null;
  readonly show_receipt: boolean | null;
  readonly trial_granted_at: Date | null;
  readonly created_at: Date;
}

interface IdentityRow {
  readonly identity_id: bigint;
  readonly account_id: string;
  readonly platform: string;
  readonly bot: string;
  readonly platform_user_id: string;
  readonly display_name: string;
  readonly username: string | null;
  readonly direct_channel: string | null;
}

const IDENTITY_COLUMNS = `i.id AS identity_id, i.account_id, i.platform, i.bot, i.platform_user_id,
  i.display_name, i.username, i.direct_channel`;
const NAME_LENGTH_MAX = 100;
const FOUND_MAX = 5;

/** Accounts and identities in Postgres. */
export class PgAccountStore implements AccountStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async identify(seen: SeenSender): Promise<Person> {
    const { platform, bot, sender, directChannel } = seen;
    const rows = await this.#rows<AccountRow & IdentityRow & { is_new: boolean }>(
      `SELECT (known_account).*, ${IDENTITY_COLUMNS.replaceAll("i.", "(known_identity).")}, is_new
       FROM identify_person($1, $2, $3, $4, $5, $6, $7)`,
      [
        createAccountId(),
        platform,
        bot,
        sender.platformUserId,
        storableText(sender.displayName).slice(0, NAME_LENGTH_MAX),
        sender.username?.toLowerCase() ?? null,
        directChannel,
      ],
    );
    const [row] = rows;
    if (row === undefined) throw new Error("identify_person answered nothing");
    // Merged after its identity was read: that leads to another account by now.
    if (row.status === "merged") return await this.identify(seen);
    return {
      account: accountFromRow(row),
      identity: identityFromRow(row),
      isNew: row.is_new,
      isTrialDue: row.trial_granted_at === null,
    };
  }

  async markTrialGranted(accountId: string): Promise<void> {
    await this.#rows(
      "UPDATE account SET trial_granted_at = now() WHERE id = $1 AND trial_granted_at IS NULL",
      [accountId],
    );
  }

  async find(accountId: string): Promise<Account | null> {
    const rows = await this.#rows<AccountRow>(
      "SELECT * FROM account WHERE id = (SELECT live_account($1))",
      [accountId],
    );
    return rows[0] === undefined ? null : accountFromRow(rows[0]);
  }

  async listIdentities(accountId: string): Promise<Identity[]> {
    const rows = await this.#rows<IdentityRow>(
      `SELECT ${IDENTITY_COLUMNS} FROM identity i WHERE account_id = (SELECT live_account($1)) ORDER BY i.id`,
      [accountId],
    );
    return rows.map(identityFromRow);
  }

  async search(user: string): Promise<Account[]> {
    const text = storableText(user.trim());
    const colon = text.indexOf(":");
    if (text.startsWith("@")) {
      return await this.#accounts("i.username = $1", [text.slice(1).toLowerCase()]);
    }
    if (colon > 0) {
      return await this.#accounts("i.platform = $1 AND i.platform_user_id = $2", [
        text.slice(0, colon).toLowerCase(),
        text.slice(colon + 1),
      ]);
    }
    return await this.#accounts("a.id = (SELECT live_account($1))", [text.toUpperCase()]);
  }

  async changeSettings(accountId: string, settings: AccountSettings): Promise<void> {
    const { locale, model, role, showReceipt } = settings;
    await this.#rows(
      `UPDATE account SET locale = CASE WHEN $2 THEN $3 ELSE locale END,
         model = CASE WHEN $4 THEN $5 ELSE model END, role = CASE WHEN $6 THEN $7 ELSE role END,
         show_receipt = CASE WHEN $8 THEN $9 ELSE show_receipt END WHERE id = (SELECT live_account($1))`,
      [
        accountId,
        ...[locale, model, role, showReceipt].flatMap((value) => [
          value !== undefined,
          value ?? null,
        ]),
      ],
    );
  }

  async setBan(accountId: string, reason: string | null): Promise<void> {
    await this.#rows(
      "UPDATE account SET status = $2, ban_reason = $3 WHERE id = (SELECT live_account($1))",
      [
        accountId,
        reason === null ? "active" : "banned",
        reason === null ? null : storableText(reason),
      ],
    );
  }

  async setReachable(
    platform: string,
    bot: string,
    platformUserId: string,
    isReachable: boolean,
  ): Promise<void> {
    await this.#rows(
      `UPDATE identity SET unreachable_at = CASE WHEN $4 THEN NULL ELSE now() END
       WHERE platform = $1 AND bot = $2 AND platform_user_id = $3`,
      [platform, bot, platformUserId, isReachable],
    );
  }

  async listReachable(
    bots: readonly { readonly platform: string; readonly bot: string }[],
    after: bigint,
    limit: number,
  ): Promise<Identity[]> {
    const rows = await this.#rows<IdentityRow>(
      `SELECT ${IDENTITY_COLUMNS} FROM identity i JOIN account a ON a.id = i.account_id
       WHERE i.id > $3 AND a.status = 'active' AND ${REACHABLE}
         -- One identity an account: the first of those that can be reached.
         AND NOT EXISTS (SELECT 1 FROM identity o WHERE o.account_id = i.account_id AND o.id < i.id
           AND ${REACHABLE.replaceAll("i.", "o.")})
       ORDER BY i.id LIMIT $4`,
      [bots.map((key) => key.platform), bots.map((key) => key.bot), String(after), limit],
    );
    return rows.map(identityFromRow);
  }

  async #accounts(where: string, values: readonly string[]): Promise<Account[]> {
    const rows = await this.#rows<AccountRow>(
      `SELECT DISTINCT a.* FROM account a LEFT JOIN identity i ON i.account_id = a.id
       WHERE ${where} LIMIT ${FOUND_MAX}`,
      values,
    );
    return rows.map(accountFromRow);
  }

  async #rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await orBusy(this.#pool.query(preparedQuery(text, values)));
    return rows as Row[];
  }
}

const REACHABLE = `i.direct_channel IS NOT NULL AND i.unreachable_at IS NULL
  AND (i.platform, i.bot) IN (SELECT * FROM unnest($1::text[], $2::text[]))`;

function accountFromRow(row: AccountRow): Account {
  return {
    id: row.id,
    status: row.status === "banned" ? "banned" : "active",
    banReason: row.ban_reason,
    locale: row.locale,
    model: row.model,
    role: row.role,
    showReceipt: row.show_receipt,
    createdAt: row.created_at,
  };
}

function identityFromRow(row: IdentityRow): Identity {
  return {
    id: row.identity_id,
    accountId: row.account_id,
    platform: row.platform,
    bot: row.bot,
    platformUserId: row.platform_user_id,
    displayName: row.display_name,
    username: row.username,
    directChannel: row.direct_channel,
  };
}
