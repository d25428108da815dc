import type pg from "pg";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import type { EndedReply, ReplyOutbox } from "../core/reply-outbox.ts";
import { preparedQuery } from "./pg-pool.ts";

/** The outbox in table `reply`; partial indexes keep its queries small. */
export class PgReplyOutbox implements ReplyOutbox {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async listReleasable(runningMax: number, limit: number): Promise<string[]> {
    const rows = await this.#rows<{ account_id: string }>(
      `SELECT account_id FROM reply WHERE state IN ('queued', 'writing') GROUP BY account_id
       HAVING count(*) FILTER (WHERE released_at IS NULL AND start_after <= now()) > 0
         AND count(*) FILTER (WHERE released_at IS NOT NULL) < $1 LIMIT $2`,
      [runningMax, limit],
    );
    return rows.map((row) => row.account_id);
  }

  async listUnbegun(ageMs: number, limit: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>(
      `UPDATE reply SET heartbeat_at = now() WHERE id IN (
         SELECT id FROM reply WHERE state = 'queued' AND released_at IS NOT NULL
           AND heartbeat_at < now() - make_interval(secs => $1::float / 1000)
         ORDER BY heartbeat_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [ageMs, limit],
    );
    return rows.map(({ id }) => id);
  }

  async listOrphans(silentMs: number, limit: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>(
      `SELECT id FROM reply WHERE state IN ('queued', 'writing') AND released_at IS NOT NULL
         AND heartbeat_at < now() - make_interval(secs => $1::float / 1000)
       ORDER BY id LIMIT $2`,
      [silentMs, limit],
    );
    return rows.map(({ id }) => id);
  }

  async listUndelivered(ageMs: number, limit: number): Promise<EndedReply[]> {
    return await this.#rows(
      `SELECT id, platform, bot FROM reply
       WHERE delivered_at IS NULL AND parked_at IS NULL AND state IN ('answered', 'failed', 'stopped')
         AND answered_at < now() - make_interval(secs => $1::float / 1000)
       ORDER BY id LIMIT $2`,
      [ageMs, limit],
    );
  }

  async park(replyId: string, receipt: string): Promise<void> {
    await this.#rows(
      `UPDATE reply SET parked_at = now(), receipt = coalesce(receipt, $2)
       WHERE id = $1 AND delivered_at IS NULL`,
      [replyId, receipt],
    );
  }

  async unparkNext(address: ChatAddress): Promise<EndedReply | null> {
    const { platform, bot, channel, thread } = address;
    const rows = await this.#rows<EndedReply>(
      `UPDATE reply SET parked_at = NULL WHERE id = (
         SELECT id FROM reply WHERE platform = $1 AND bot = $2 AND channel = $3
           AND thread IS NOT DISTINCT FROM $4 AND parked_at IS NOT NULL
         ORDER BY question_turn_id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, platform, bot`,
      [platform, bot, channel, thread],
    );
    return rows[0] ?? null;
  }

  async #rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.#pool.query(preparedQuery(text, values));
    return rows as Row[];
  }
}
