import type pg from "pg";
import type { Notice, NoticeStore } from "../core/admin/notice-store.ts";
import type { ChatAddress } from "../core/chat/chat-address.ts";
import type { Clock } from "../core/clock.ts";
import { createId } from "../core/ids.ts";
import { preparedQuery } from "./pg-pool.ts";
import { storableText } from "./reply-rows.ts";

interface NoticeRow extends ChatAddress {
  readonly id: string;
  readonly text: string;
}

const COLUMNS = "id, platform, bot, channel, thread, text";

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
    const rows = notices.map(({ address, text, cause }) => ({
      id: createId(this.#clock.now()),
      ...address,
      text: storableText(text),
      cause,
    }));
    return await this.#read(
      `INSERT INTO notice (id, platform, bot, channel, thread, text, cause)
       SELECT id, platform, bot, channel, thread, text, cause FROM jsonb_to_recordset($1) AS n
         (id uuid, platform text, bot text, channel text, thread text, text text, cause text)
       ON CONFLICT (cause) DO NOTHING RETURNING ${COLUMNS}`,
      [JSON.stringify(rows)],
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
    const notices = await this.#read(
      `UPDATE notice SET state = 'queued', sent_at = NULL WHERE state = 'parked'
         AND platform = $1 AND bot = $2 AND channel = $3 AND thread IS NOT DISTINCT FROM $4
       RETURNING ${COLUMNS}`,
      [platform, bot, channel, thread],
    );
    return notices.sort((some, other) => (some.id < other.id ? -1 : 1));
  }

  async listQueued(ageMs: number, limit: number): Promise<Notice[]> {
    return await this.#read(
      `SELECT ${COLUMNS} FROM notice WHERE state = 'queued'
         AND created_at < now() - make_interval(secs => $1::float / 1000) ORDER BY id LIMIT $2`,
      [ageMs, limit],
    );
  }

  async #read(text: string, values: readonly unknown[]): Promise<Notice[]> {
    const { rows } = await this.#pool.query<NoticeRow>(preparedQuery(text, values));
    return rows.map(({ id, text: shown, platform, bot, channel, thread }) => ({
      id,
      text: shown,
      address: { platform, bot, channel, thread },
    }));
  }
}
