import type pg from "pg";
import { formatPlatformId } from "../core/admin/admin-access.ts";
import type { Notice, NoticeStore } from "../core/admin/notice-store.ts";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import type { Clock } from "../core/clock.ts";
import { createId } from "../core/ids.ts";
import { preparedQuery } from "./pg-pool.ts";
import { storableText } from "./reply-rows.ts";

interface NoticeRow extends ChatAddress {
  readonly id: string;
  /** Counts up in the order they were made. */
  readonly number: bigint;
  readonly text: string;
}

const COLUMNS = "id, number, platform, bot, channel, thread, text";

/** A chat that no gateway served for so long learns of old news from its commands instead. */
const ADMIN_NEWS_AGE_MS = 3 * 24 * 60 * 60_000;

/** Notices in table `notice`. */
export class PgNoticeStore implements NoticeStore {
  readonly #pool: pg.Pool;
  readonly #clock: Clock;

  constructor(pool: pg.Pool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  async add(
    notices: readonly {
      readonly address: ChatAddress;
      readonly text: string;
      readonly cause: string;
    }[],
  ): Promise<Notice[]> {
    const rows = notices.map(({ address, text, cause }, index) => ({
      id: createId(this.#clock.now()),
      index,
      ...address,
      text: storableText(text),
      cause,
    }));
    return await this.#read(
      `INSERT INTO notice (id, platform, bot, channel, thread, text, cause)
       SELECT id, platform, bot, channel, thread, text, cause FROM jsonb_to_recordset($1) AS n
         (id uuid, index int, platform text, bot text, channel text, thread text, text text, cause text)
       ORDER BY index
       ON CONFLICT (cause) DO NOTHING RETURNING ${COLUMNS}`,
      [JSON.stringify(rows)],
    );
  }

  async addForAdmins(cause: string, text: string, knownIn: ChatAddress | null): Promise<void> {
    await this.#read(
      `INSERT INTO admin_notice (cause, text, known_in) VALUES ($1, $2, $3)
       ON CONFLICT (cause) DO NOTHING`,
      [cause, storableText(text), knownIn && chatOf(knownIn)],
    );
  }

  async addToAdminChats(chats: readonly ChatAddress[]): Promise<Notice[]> {
    if (chats.length === 0) return [];
    const rows = chats.map((address) => ({ ...address, chat: chatOf(address) }));
    return await this.#read(
      `INSERT INTO notice (id, platform, bot, channel, thread, text, cause)
       SELECT uuid_by_time(), c.platform, c.bot, c.channel, c.thread, n.text, n.cause || ':' || c.chat
       FROM admin_notice n CROSS JOIN jsonb_to_recordset($1) AS c
         (platform text, bot text, channel text, thread text, chat text)
       WHERE n.created_at > now() - make_interval(secs => $2::float / 1000)
         AND n.known_in IS DISTINCT FROM c.chat
         AND NOT EXISTS (SELECT 1 FROM notice WHERE cause = n.cause || ':' || c.chat)
       ORDER BY n.id
       ON CONFLICT (cause) DO NOTHING RETURNING ${COLUMNS}`,
      [JSON.stringify(rows), ADMIN_NEWS_AGE_MS],
    );
  }

  async findQueued(id: string): Promise<Notice | null> {
    const found = await this.#read(
      `SELECT ${COLUMNS} FROM notice WHERE id = $1 AND state = 'queued'`,
      [id],
    );
    return found[0] ?? null;
  }

  async mark(id: string, state: "sent" | "failed" | "parked"): Promise<void> {
    await this.#read("UPDATE notice SET state = $2, sent_at = now() WHERE id = $1", [id, state]);
  }

  async unpark({ platform, bot, channel, thread }: ChatAddress): Promise<Notice[]> {
    return await this.#read(
      `UPDATE notice SET state = 'queued', sent_at = NULL WHERE state = 'parked'
         AND platform = $1 AND bot = $2 AND channel = $3 AND thread IS NOT DISTINCT FROM $4
       RETURNING ${COLUMNS}`,
      [platform, bot, channel, thread],
    );
  }

  async listQueued(ageMs: number, limit: number): Promise<Notice[]> {
    return await this.#read(
      `SELECT ${COLUMNS} FROM notice WHERE state = 'queued'
         AND created_at < now() - make_interval(secs => $1::float / 1000) ORDER BY number LIMIT $2`,
      [ageMs, limit],
    );
  }

  async #read(text: string, values: readonly unknown[]): Promise<Notice[]> {
    const { rows } = await this.#pool.query<NoticeRow>(preparedQuery(text, values));
    // An UPDATE returns its rows in any order; nothing else of a notice tells two of one moment apart.
    rows.sort((some, other) => Number(some.number - other.number));
    return rows.map(({ id, text: shown, platform, bot, channel, thread }) => ({
      id,
      text: shown,
      address: { platform, bot, channel, thread },
    }));
  }
}

/** As operators write it in `ADMIN_CHATS`. */
function chatOf({ platform, channel }: ChatAddress): string {
  return formatPlatformId({ platform, id: channel });
}
