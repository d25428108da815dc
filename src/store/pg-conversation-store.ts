import type pg from "pg";
import type { Clock } from "../core/clock.ts";
import type {
  Conversation,
  ConversationOwner,
  ConversationStore,
  StoredImage,
  StoredTurn,
} from "../core/conversation/conversation-store.ts";
import { createId } from "../core/ids.ts";
import { orBusy, preparedQuery } from "./pg-pool.ts";

const SELECT_TURN = `SELECT t.id, t.author, t.text, t.created_at AS "createdAt",
  (SELECT count(*)::int FROM turn_image WHERE turn_id = t.id) AS "imageCount" FROM turn t`;

/** Conversations and their turns in Postgres. */
export class PgConversationStore implements ConversationStore {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;

  constructor(pool: pg.Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  async readCurrent(owner: ConversationOwner): Promise<string> {
    const rows = await this.#rows<{ id: string }>(
      "SELECT read_current_conversation($1, $2, $3) AS id",
      [owner.key, owner.accountId, createId(this.#clock.now())],
    );
    const [row] = rows;
    if (row === undefined) throw new Error("read_current_conversation answered nothing");
    return row.id;
  }

  async startNew(owner: ConversationOwner): Promise<string> {
    const id = createId(this.#clock.now());
    await this.#rows(
      `WITH made AS (INSERT INTO conversation (id, account_id) VALUES ($3, $2) RETURNING id)
       INSERT INTO current_conversation (owner_key, conversation_id) SELECT $1, id FROM made
       ON CONFLICT (owner_key) DO UPDATE SET conversation_id = excluded.conversation_id`,
      [owner.key, owner.accountId, id],
    );
    return id;
  }

  async list(owner: ConversationOwner, limit: number): Promise<Conversation[]> {
    // A person resumes any conversation of theirs, wherever it was; a group its current one.
    // Each half ends after a few rows of an index, however many conversations there are.
    return await this.#rows<Conversation>(
      `WITH current AS (SELECT conversation_id AS id FROM current_conversation WHERE owner_key = $1)
       SELECT c.id, c.title, c.last_turn_at AS "lastTurnAt",
         c.id IN (SELECT id FROM current) AS "isCurrent"
       FROM (
         (SELECT * FROM conversation WHERE account_id = $2
            AND EXISTS (SELECT 1 FROM turn WHERE conversation_id = conversation.id)
          ORDER BY last_turn_at DESC LIMIT $3)
         UNION
         (SELECT * FROM conversation WHERE id IN (SELECT id FROM current)
            AND EXISTS (SELECT 1 FROM turn WHERE conversation_id = conversation.id))
       ) c ORDER BY c.last_turn_at DESC LIMIT $3`,
      [owner.key, owner.accountId, limit],
    );
  }

  async resume(owner: ConversationOwner, conversationId: string): Promise<void> {
    await this.#rows(
      `INSERT INTO current_conversation (owner_key, conversation_id) VALUES ($1, $2)
       ON CONFLICT (owner_key) DO UPDATE SET conversation_id = excluded.conversation_id`,
      [owner.key, conversationId],
    );
  }

  async readContext(
    conversationId: string,
    limit: number,
    { beforeId, exceptId }: { readonly beforeId: bigint | null; readonly exceptId: bigint | null },
  ): Promise<StoredTurn[]> {
    const rows = await this.#rows<StoredTurn>(
      `${SELECT_TURN} WHERE t.conversation_id = $1 AND NOT t.superseded
         AND t.id < coalesce($3::bigint, 9223372036854775807)
         AND ($4::bigint IS NULL OR (t.id <> $4 AND NOT EXISTS (
           SELECT 1 FROM reply WHERE question_turn_id = $4 AND answer_turn_id = t.id)))
       ORDER BY t.id DESC LIMIT $2`,
      [conversationId, limit, beforeId?.toString() ?? null, exceptId?.toString() ?? null],
    );
    return rows.reverse();
  }

  async readTurn(turnId: bigint): Promise<StoredTurn> {
    const rows = await this.#rows<StoredTurn>(`${SELECT_TURN} WHERE t.id = $1`, [String(turnId)]);
    const [row] = rows;
    if (row === undefined) throw new Error("there is no such turn");
    return row;
  }

  async readImages(turnIds: readonly bigint[]): Promise<StoredImage[]> {
    return await this.#rows<StoredImage>(
      `SELECT turn_id AS "turnId", media_type AS "mediaType", bytes FROM turn_image
       WHERE turn_id = ANY($1::bigint[]) ORDER BY turn_id, position`,
      [turnIds.map(String)],
    );
  }

  async readTurns(conversationId: string, limit: number): Promise<StoredTurn[]> {
    const rows = await this.#rows<StoredTurn>(
      `${SELECT_TURN} WHERE t.conversation_id = $1 ORDER BY t.id DESC LIMIT $2`,
      [conversationId, limit],
    );
    return rows.reverse();
  }

  async #rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await orBusy(this.#pool.query(preparedQuery(text, values)));
    return rows as Row[];
  }
}
