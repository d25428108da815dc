import type pg from "pg";
import type { SettingStore } from "../core/admin/runtime-settings.ts";
import { preparedQuery } from "./pg-pool.ts";

/** Run-time switches in table `setting`; every process asks for them every few seconds. */
export class PgSettingStore implements SettingStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async read(key: string): Promise<unknown> {
    const { rows } = await this.#pool.query(
      preparedQuery("SELECT value FROM setting WHERE key = $1", [key]),
    );
    return rows[0]?.value ?? null;
  }

  async write(key: string, value: unknown): Promise<void> {
    await this.#pool.query(
      preparedQuery(
        `INSERT INTO setting (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()`,
        [key, JSON.stringify(value)],
      ),
    );
  }

  async merge(key: string, entries: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#pool.query(
      preparedQuery(
        `INSERT INTO setting (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE
         SET value = setting.value || excluded.value, updated_at = now()`,
        [key, JSON.stringify(entries)],
      ),
    );
  }
}
