import type pg from "pg";
import { HOLD_LEASE_MS } from "../core/ask-question.ts";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import { preparedQuery } from "./pg-pool.ts";

const ROWS_MAX = 5_000;

/** Work on the tables that no person waits for. */
export class PgUpkeep {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Replies that wait in the database cannot show signs of life; their holds live on here. */
  async renewWaitingHolds(): Promise<void> {
    await this.#run(
      `UPDATE hold SET lease_until = now() + make_interval(secs => $1::float / 1000)
       FROM reply WHERE reply.hold_id = hold.id AND reply.state = 'queued' AND hold.state = 'open'`,
      [HOLD_LEASE_MS],
    );
  }

  /** A platform gave a chat a new id: what is under way there and its conversations go along. */
  async moveChat(from: ChatAddress, to: ChatAddress): Promise<void> {
    const values = [from.platform, from.bot, from.channel, to.channel];
    await this.#run(
      `UPDATE reply SET channel = $4 WHERE platform = $1 AND bot = $2 AND channel = $3
         AND delivered_at IS NULL`,
      values,
    );
    await this.#run(
      `UPDATE notice SET channel = $4 WHERE platform = $1 AND bot = $2 AND channel = $3
         AND state = 'queued'`,
      values,
    );
    const prefix = (channel: string) =>
      [from.platform, from.bot, channel].map(encodeURIComponent).join(":");
    await this.#run(
      `UPDATE current_conversation SET owner_key = $2 || substr(owner_key, length($1) + 1)
       WHERE starts_with(owner_key, $1) AND NOT EXISTS (SELECT 1 FROM current_conversation taken
         WHERE taken.owner_key = $2 || substr(current_conversation.owner_key, length($1) + 1))`,
      [`${prefix(from.channel)}:`, `${prefix(to.channel)}:`],
    );
  }

  /** Takes away what nobody looks at again, in portions. */
  async prune(): Promise<void> {
    // Platforms send an event again for a day at most; a week is on the safe side.
    await this.#prune("inbound", "handled_at < now() - interval '7 days'");
    await this.#prune("notice", "state <> 'queued' AND created_at < now() - interval '30 days'");
    // Far later than news is brought to admin chats, so that it does not come a second time.
    await this.#prune("admin_notice", "created_at < now() - interval '30 days'");
    await this.#prune("web_message", "created_at < now() - interval '90 days'");
  }

  async #prune(
    table: "inbound" | "notice" | "admin_notice" | "web_message",
    condition: string,
  ): Promise<void> {
    await this.#run(
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${condition} LIMIT ${ROWS_MAX})`,
      [],
    );
  }

  async #run(text: string, values: readonly unknown[]): Promise<void> {
    await this.#pool.query(preparedQuery(text, values));
  }
}
