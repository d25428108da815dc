import type { AdapterMemory } from "../../src/core/chat/adapter-memory.ts";

/** What an adapter remembers, in memory. */
export class MemoryAdapterMemory implements AdapterMemory {
  readonly #values = new Map<string, string>();

  async read(key: string): Promise<string | null> {
    return this.#values.get(key) ?? null;
  }

  async write(key: string, value: string): Promise<void> {
    this.#values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  async list(prefix: string): Promise<ReadonlyMap<string, string>> {
    const found = [...this.#values].filter(([key]) => key.startsWith(prefix));
    return new Map(found.sort(([some], [other]) => (some < other ? -1 : 1)));
  }
}
