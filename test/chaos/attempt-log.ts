import type pg from "pg";

const CREATE = `
  CREATE TABLE chaos_attempt (reply_id uuid NOT NULL, at timestamptz NOT NULL);
  CREATE FUNCTION chaos_note_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO chaos_attempt VALUES (NEW.id, clock_timestamp());
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_attempt AFTER UPDATE OF attempts ON reply
    FOR EACH ROW WHEN (NEW.attempts > OLD.attempts) EXECUTE FUNCTION chaos_note_attempt()`;

/** When workers began to write each reply, noted down by the database as it happens. */
export class AttemptLog {
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  static async open(pool: pg.Pool): Promise<AttemptLog> {
    await pool.query(CREATE);
    return new AttemptLog(pool);
  }

  /** On the clock of `performance.now()`, in order, by `<person>:<message>`. */
  async read(): Promise<Map<string, number[]>> {
    const { rows } = await this.#pool.query<{ channel: string; message_id: string; at: Date }>(
      `SELECT s.channel, s.message_id, a.at FROM chaos_attempt a
       JOIN reply_source s ON s.reply_id = a.reply_id ORDER BY a.at`,
    );
    const times = new Map<string, number[]>();
    for (const { channel, message_id, at } of rows) {
      const key = `${channel}:${message_id}`;
      times.set(key, [...(times.get(key) ?? []), at.getTime() - performance.timeOrigin]);
    }
    return times;
  }
}
