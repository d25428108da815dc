import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import { toOutsideError } from "./wecom-errors.ts";

const CACHED_MAX = 10_000;

/**
 * Who ever wrote to the bot alone. WeCom takes a message to a person only after that, and refuses
 * others as if they were too frequent.
 */
export class WecomDirectChats {
  readonly #memory: AdapterMemory;
  readonly #known = new Set<string>();

  constructor(memory: AdapterMemory) {
    this.#memory = memory;
  }

  async learn(userId: string): Promise<void> {
    if (this.#known.has(userId)) return;
    await this.#memory.write(keyOf(userId), "open");
    if (this.#known.size >= CACHED_MAX) this.#known.clear();
    this.#known.add(userId);
  }

  /** Throws `OutsideError`. */
  async isOpen(userId: string): Promise<boolean> {
    if (this.#known.has(userId)) return true;
    try {
      return (await this.#memory.read(keyOf(userId))) !== null;
    } catch (error) {
      throw toOutsideError(error);
    }
  }
}

function keyOf(userId: string): string {
  return `direct:${userId}`;
}
