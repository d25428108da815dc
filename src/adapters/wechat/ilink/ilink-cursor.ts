import type { AdapterMemory } from "../../../core/chat/adapter-memory.ts";
import type { Logger } from "../../../core/log.ts";
import type { IlinkPart } from "./ilink-message.ts";

/** Messages handed over but not confirmed, above which no more are fetched. */
const UNCONFIRMED_MAX = 200;

interface Batch {
  /** Where to go on once all before and in it are confirmed. */
  readonly cursor: string;
  readonly parts: Map<string, IlinkPart>;
}

export interface CursorOptions {
  readonly memory: AdapterMemory;
  readonly log: Logger;
  /** Under which the place is remembered. */
  readonly key: string;
}

/**
 * The place in the line of updates of one bot. Polling moves on at once, but what is remembered for
 * the next start is only how far everything has been confirmed: what was not is brought again.
 */
export class IlinkCursor {
  readonly #options: CursorOptions;
  readonly #batches: Batch[] = [];
  #next: string;
  #remembered: string;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: CursorOptions, next: string) {
    this.#options = options;
    this.#next = next;
    this.#remembered = next;
  }

  static async read(options: CursorOptions): Promise<IlinkCursor> {
    return new IlinkCursor(options, (await options.memory.read(options.key)) ?? "");
  }

  /** Where the next poll goes on. */
  get next(): string {
    return this.#next;
  }

  /** Handed over, but not confirmed yet; in their order. */
  get unconfirmed(): readonly IlinkPart[] {
    return this.#batches.flatMap(({ parts }) => [...parts.values()]);
  }

  get isFull(): boolean {
    return this.unconfirmed.length >= UNCONFIRMED_MAX;
  }

  /** What one poll brought. An empty cursor means that the place has not moved. */
  add(cursor: string, parts: readonly IlinkPart[]): void {
    if (cursor !== "") this.#next = cursor;
    this.#batches.push({
      cursor: this.#next,
      parts: new Map(parts.map((part) => [part.id, part])),
    });
    this.#rememberConfirmed();
  }

  confirm(partId: string): void {
    for (const { parts } of this.#batches) parts.delete(partId);
    this.#rememberConfirmed();
  }

  /** Resolves when all that is confirmed is remembered. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  #rememberConfirmed(): void {
    let cursor: string | null = null;
    while (this.#batches[0]?.parts.size === 0) cursor = this.#batches.shift()?.cursor ?? null;
    if (cursor === null || cursor === this.#remembered) return;
    this.#remembered = cursor;
    this.#writing = this.#writing.then(() => this.#write(cursor));
  }

  async #write(cursor: string): Promise<void> {
    const { memory, log, key } = this.#options;
    try {
      await memory.write(key, cursor);
    } catch (error) {
      // The next one is written soon; until then a restart brings known messages once more.
      log.warn({ err: error }, "place in the updates not remembered");
    }
  }
}
