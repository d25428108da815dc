import type pg from "pg";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import { UserError } from "../core/errors.ts";
import type {
  GatheringReply,
  NewReply,
  OpenOutcome,
  Reply,
  ReplyEnd,
  ReplyStore,
  ShownMessage,
  StopWhere,
} from "../core/reply-store.ts";
import { orBusy, preparedQuery } from "./pg-pool.ts";
import { missingFunds, ReplyCalls } from "./reply-calls.ts";
import {
  finishArguments,
  openArguments,
  type ReplyRow,
  replyFromRow,
  storableText,
} from "./reply-rows.ts";

const SELECT_REPLY =
  "SELECT r.*, h.amount AS held_amount FROM reply r JOIN hold h ON h.id = r.hold_id";

/** Replies in Postgres. What moves credit is one SQL function each: one round trip, all or nothing. */
export class PgReplyStore implements ReplyStore {
  readonly #pool: pg.Pool;
  readonly #calls: ReplyCalls;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
    this.#calls = new ReplyCalls(pool);
  }

  async open(reply: NewReply): Promise<OpenOutcome> {
    const call = JSON.stringify(openArguments(reply));
    // A group chat's conversation is written by many accounts, whose locks do not order them.
    const answer = await (reply.isDirect
      ? this.#calls.open.call(call)
      : this.#calls.openAlone(call));
    switch (answer.status) {
      case "opened":
      case "merged":
      case "duplicate":
        return { status: answer.status, replyId: answer.id, released: answer.released };
      case "insufficient":
        return {
          status: "insufficient",
          creditAvailable: BigInt(answer.credit),
          messagesAvailable: BigInt(answer.messages),
        };
      default:
        return { status: answer.status };
    }
  }

  async findGathering(conversationId: string, accountId: string): Promise<GatheringReply | null> {
    const rows = await this.#rows<{ id: string; text: string; input_tokens_max: number }>(
      `SELECT r.id, t.text, r.input_tokens_max FROM reply r JOIN turn t ON t.id = r.question_turn_id
       WHERE r.account_id = (SELECT live_account($2)) AND r.conversation_id = $1 AND r.state = 'queued'
         AND r.released_at IS NULL AND r.start_after > now()
       ORDER BY r.question_turn_id DESC LIMIT 1`,
      [conversationId, accountId],
    );
    const [row] = rows;
    return row === undefined
      ? null
      : { id: row.id, text: row.text, inputTokens: row.input_tokens_max };
  }

  async countPendingTokens(conversationId: string): Promise<number> {
    const rows = await this.#rows<{ tokens: bigint }>(
      `SELECT coalesce(sum(output_tokens_max), 0)::bigint AS tokens FROM reply
       WHERE conversation_id = $1 AND state IN ('queued', 'writing')`,
      [conversationId],
    );
    return Number(rows[0]?.tokens ?? 0n);
  }

  async release(accountId: string, runningMax: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>("SELECT release_replies($1, $2) AS id", [
      accountId,
      runningMax,
    ]);
    return rows.map(({ id }) => id);
  }

  async start(replyId: string, leaseMs: number): Promise<Reply | null> {
    try {
      const rows = await this.#rows<ReplyRow>(
        "SELECT (started).*, held_amount, clock_timestamp() AS began_at FROM start_reply($1, $2)",
        [replyId, leaseMs],
      );
      return rows[0] === undefined ? null : replyFromRow(rows[0]);
    } catch (error) {
      if (missingFunds(error) !== null) throw new UserError("insufficient_credit");
      throw error;
    }
  }

  async heartbeat(replyIds: readonly string[], leaseMs: number): Promise<void> {
    await this.#rows(
      `WITH alive AS (
         UPDATE reply SET heartbeat_at = now() WHERE id = ANY($1) AND state = 'writing'
         RETURNING hold_id)
       UPDATE hold SET lease_until = now() + make_interval(secs => $2::float / 1000)
       FROM alive WHERE hold.id = alive.hold_id AND hold.state = 'open'
         AND hold.lease_until < now() + make_interval(secs => $2::float / 2000)`,
      [replyIds, leaseMs],
    );
  }

  async finish(end: ReplyEnd): Promise<bigint | null> {
    const { charged } = await this.#calls.finish.call(JSON.stringify(finishArguments(end)));
    return charged === null ? null : BigInt(charged);
  }

  async find(replyId: string): Promise<Reply | null> {
    const rows = await this.#rows<ReplyRow>(`${SELECT_REPLY} WHERE r.id = $1`, [replyId]);
    return rows[0] === undefined ? null : replyFromRow(rows[0]);
  }

  async findLastEnded(conversationId: string, accountId: string): Promise<Reply | null> {
    const rows = await this.#rows<ReplyRow>(
      `${SELECT_REPLY} WHERE r.conversation_id = $1 AND r.account_id = (SELECT live_account($2))
         AND r.state IN ('answered', 'delivered', 'failed', 'stopped')
       ORDER BY r.question_turn_id DESC LIMIT 1`,
      [conversationId, accountId],
    );
    return rows[0] === undefined ? null : replyFromRow(rows[0]);
  }

  async listRecent(accountId: string, limit: number): Promise<Reply[]> {
    const rows = await this.#rows<ReplyRow>(
      `${SELECT_REPLY} WHERE r.account_id = (SELECT live_account($1))
         AND r.state IN ('answered', 'delivered', 'failed', 'stopped')
       ORDER BY r.question_turn_id DESC LIMIT $2`,
      [accountId, limit],
    );
    return rows.map(replyFromRow);
  }

  async requestStop(
    accountId: string,
    where: StopWhere,
  ): Promise<{ readonly ended: string[]; readonly running: string[] }> {
    const waiting = "onlyWaiting" in where ? " AND state = 'queued'" : "";
    const [filter, values]: [string, unknown[]] =
      "replyId" in where
        ? [`id = $2${waiting}`, [where.replyId]]
        : [
            "platform = $2 AND bot = $3 AND channel = $4 AND thread IS NOT DISTINCT FROM $5",
            [
              where.address.platform,
              where.address.bot,
              where.address.channel,
              where.address.thread,
            ],
          ];
    const rows = await this.#rows<{ id: string; ended: boolean }>(
      `SELECT id, ended FROM stop_replies($1, ARRAY(
         SELECT id FROM reply
         WHERE account_id = (SELECT live_account($1)) AND state IN ('queued', 'writing') AND ${filter}))`,
      [accountId, ...values],
    );
    return {
      ended: rows.filter((row) => row.ended).map((row) => row.id),
      running: rows.filter((row) => !row.ended).map((row) => row.id),
    };
  }

  async findBySource(
    { platform, bot, channel }: ChatAddress,
    messageId: string,
  ): Promise<{ readonly reply: Reply; readonly sourceCount: number } | null> {
    const rows = await this.#rows<ReplyRow & { source_count: number }>(
      `SELECT r.*, h.amount AS held_amount,
         (SELECT count(*)::int FROM reply_source o WHERE o.reply_id = r.id) AS source_count
       FROM reply_source s JOIN reply r ON r.id = s.reply_id JOIN hold h ON h.id = r.hold_id
       WHERE s.platform = $1 AND s.bot = $2 AND s.channel = $3 AND s.message_id = $4`,
      [platform, bot, channel, messageId],
    );
    const [row] = rows;
    return row === undefined ? null : { reply: replyFromRow(row), sourceCount: row.source_count };
  }

  async rewriteQuestion(replyId: string, text: string): Promise<boolean> {
    const rows = await this.#rows(
      `UPDATE turn SET text = $2 FROM reply r
       WHERE r.id = $1 AND turn.id = r.question_turn_id AND turn.text <> $2 RETURNING turn.id`,
      [replyId, storableText(text)],
    );
    return rows.length > 0;
  }

  async listMessages(replyId: string): Promise<ShownMessage[]> {
    return await this.#rows<ShownMessage>(
      `SELECT position, channel, message_id AS "messageId" FROM reply_message
       WHERE reply_id = $1 ORDER BY position`,
      [replyId],
    );
  }

  async saveMessage(replyId: string, message: ShownMessage): Promise<void> {
    await this.#rows(
      `INSERT INTO reply_message (reply_id, position, channel, message_id) VALUES ($1, $2, $3, $4)
       ON CONFLICT (reply_id, position) DO UPDATE
         SET channel = excluded.channel, message_id = excluded.message_id`,
      [replyId, message.position, message.channel, message.messageId],
    );
  }

  async markDelivered(replyId: string, receipt: string, isReadable: boolean): Promise<void> {
    await this.#rows(
      `UPDATE reply SET delivered_at = now(), receipt = $2,
         state = CASE WHEN state = 'answered' AND $3 THEN 'delivered' ELSE state END
       WHERE id = $1 AND delivered_at IS NULL`,
      [replyId, receipt, isReadable],
    );
  }

  async countOpen(): Promise<number> {
    const rows = await this.#rows<{ count: bigint }>(
      "SELECT count(*) AS count FROM reply WHERE state IN ('queued', 'writing')",
      [],
    );
    return Number(rows[0]?.count ?? 0n);
  }

  async #rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await orBusy(this.#pool.query(preparedQuery(text, values)));
    return rows as Row[];
  }
}
