import type { Pool } from "pg";
import type { AdapterMemory } from "../core/chat/adapter-memory.ts";

/** What the adapter of one bot remembers, on Postgres. */
export class PgAdapterMemory implements AdapterMemory {
  readonly #pool: Pool;
  readonly #platform: string;
  readonly #bot: string;

  constructor(pool: Pool, platform: string, bot: string) {
    this.#pool = pool;
    this.#platform = platform;
    this.#bot = bot;
  }

  async read(key: string): Promise<string | null> {
    const { rows } = await this.#pool.query<{ value: string }>({
      name: "adapter_memory_read",
      text: "SELECT value FROM adapter_memory WHERE platform = $1 AND bot = $2 AND key = $3",
      values: [this.#platform, this.#bot, key],
    });
    return rows[0]?.value ?? null;
  }

  async write(key: string, value: string): Promise<void> {
    await this.#pool.query({
      name: "adapter_memory_write",
      text: `INSERT INTO adapter_memory (platform, bot, key, value) VALUES ($1, $2, $3, $4)
        ON CONFLICT (platform, bot, key) DO UPDATE SET value = excluded.value, updated_at = now()`,
      values: [this.#platform, this.#bot, key, value],
    });
  }

  async delete(key: string): Promise<void> {
    await this.#pool.query({
      name: "adapter_memory_delete",
      text: "DELETE FROM adapter_memory WHERE platform = $1 AND bot = $2 AND key = $3",
      values: [this.#platform, this.#bot, key],
    });
  }

  async list(prefix: string): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.#pool.query<{ key: string; value: string }>({
      name: "adapter_memory_list",
      text: `SELECT key, value FROM adapter_memory
        WHERE platform = $1 AND bot = $2 AND starts_with(key, $3) ORDER BY key`,
      values: [this.#platform, this.#bot, prefix],
    });
    return new Map(rows.map(({ key, value }) => [key, value]));
  }
}
