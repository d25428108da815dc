import type { Pool } from "pg";
import type { InboxEvent, InboxStore } from "../core/chat/inbox.ts";
import { preparedQuery } from "./pg-pool.ts";

// The order of the list is the order of the ids, which is the order of handling.
const SAVE = `
  INSERT INTO inbound (platform, bot, event_id, payload, attempts)
  SELECT $1, $2, event.id, event.payload, 1
  FROM unnest($3::text[], $4::jsonb[]) WITH ORDINALITY AS event (id, payload, position)
  ORDER BY event.position
  ON CONFLICT (platform, bot, event_id) DO NOTHING
  RETURNING id, event_id, payload, attempts`;

const LIST_UNHANDLED = `
  SELECT id, event_id, payload, attempts FROM inbound
  WHERE platform = $1 AND bot = $2 AND handled_at IS NULL
  ORDER BY id`;

const COUNT_ATTEMPT = `UPDATE inbound SET attempts = attempts + 1 WHERE id = $1`;

const MARK_HANDLED = `UPDATE inbound SET handled_at = now(), payload = NULL WHERE id = $1`;

interface InboundRow {
  readonly id: bigint;
  readonly event_id: string;
  readonly payload: unknown;
  readonly attempts: number;
}

/** The inbox in Postgres, table `inbound`. Errors are pg's. */
export class PgInboxStore implements InboxStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async save(
    platform: string,
    bot: string,
    events: readonly { readonly eventId: string; readonly payload: unknown }[],
  ): Promise<InboxEvent[]> {
    if (events.length === 0) return [];
    const eventIds = events.map(({ eventId }) => eventId);
    const payloads = events.map(({ payload }) => toJson(payload));
    const query = preparedQuery(SAVE, [platform, bot, eventIds, payloads]);
    const { rows } = await this.#pool.query<InboundRow>(query);
    return rows.map((row) => toEvent(row, true)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async listUnhandled(platform: string, bot: string): Promise<InboxEvent[]> {
    const query = preparedQuery(LIST_UNHANDLED, [platform, bot]);
    const { rows } = await this.#pool.query<InboundRow>(query);
    return rows.map((row) => toEvent(row, false));
  }

  async countAttempt(id: bigint): Promise<void> {
    await this.#pool.query(preparedQuery(COUNT_ATTEMPT, [id]));
  }

  async markHandled(id: bigint): Promise<void> {
    await this.#pool.query(preparedQuery(MARK_HANDLED, [id]));
  }
}

function toEvent(row: InboundRow, isCounted: boolean): InboxEvent {
  const { id, event_id: eventId, payload, attempts } = row;
  return { id, eventId, payload, attempts, isCounted };
}

/** Postgres keeps neither the character 0 nor half an emoji; an event must not be lost for one. */
function toJson(payload: unknown): string {
  return JSON.stringify(payload, (_, value: unknown) =>
    typeof value === "string" ? value.toWellFormed().replaceAll("\u0000", "\ufffd") : value,
  );
}
