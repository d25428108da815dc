import type { Pool } from "pg";
import type { MessageButton } from "../core/chat/chat-adapter.ts";
import type {
  WebAttachment,
  WebMessage,
  WebMessageContent,
  WebMessageStore,
} from "../core/chat/web-message-store.ts";

interface Row {
  readonly id: string;
  readonly channel: string;
  readonly author: "person" | "bot";
  readonly text: string;
  readonly format: "plain" | "markdown";
  readonly buttons: MessageButton[];
  readonly file_name: string | null;
  readonly file_text: string | null;
  readonly reply_id: string | null;
  readonly created_at: Date;
}

const COLUMNS =
  "id, channel, author, text, format, buttons, file_name, file_text, reply_id, created_at";

/**
 * Keeps the messages of the web chat in the table `web_message`, one statement a call. The column
 * `file_text` holds the previews of attached pictures; contents of files are never stored.
 */
export class PgWebMessageStore implements WebMessageStore {
  readonly #database: Pick<Pool, "query">;

  constructor(database: Pick<Pool, "query">) {
    this.#database = database;
  }

  async append(message: WebMessage): Promise<boolean> {
    const attachments = message.attachments.length > 0 ? JSON.stringify(message.attachments) : null;
    const { rowCount } = await this.#database.query(
      `INSERT INTO web_message (${COLUMNS}, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
       ON CONFLICT (id) DO NOTHING`,
      [
        message.id,
        message.channel,
        message.author,
        message.text,
        message.format,
        JSON.stringify(message.buttons),
        message.fileName,
        attachments,
        message.replyId,
        message.createdAt,
      ],
    );
    return rowCount === 1;
  }

  async update(
    channel: string,
    id: string,
    content: WebMessageContent,
    at: Date,
  ): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      `UPDATE web_message
          SET text = $3, format = $4, buttons = $5, reply_id = COALESCE($6, reply_id), updated_at = $7
        WHERE channel = $1 AND id = $2`,
      [
        channel,
        id,
        content.text,
        content.format,
        JSON.stringify(content.buttons),
        content.replyId,
        at,
      ],
    );
    return rowCount === 1;
  }

  async delete(channel: string, id: string): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      "DELETE FROM web_message WHERE channel = $1 AND id = $2",
      [channel, id],
    );
    return rowCount === 1;
  }

  async list(channel: string, limit: number, beforeId: string | null): Promise<WebMessage[]> {
    const { rows } = await this.#database.query<Row>(
      `SELECT ${COLUMNS} FROM web_message
        WHERE channel = $1 AND ($3::uuid IS NULL OR id < $3::uuid)
        ORDER BY id DESC LIMIT $2`,
      [channel, limit, beforeId],
    );
    return rows.reverse().map(toMessage);
  }
}

function toMessage(row: Row): WebMessage {
  return {
    id: row.id,
    channel: row.channel,
    author: row.author,
    text: row.text,
    format: row.format,
    buttons: row.buttons,
    replyId: row.reply_id,
    attachments: row.file_text === null ? [] : (JSON.parse(row.file_text) as WebAttachment[]),
    fileName: row.file_name,
    createdAt: row.created_at,
  };
}
