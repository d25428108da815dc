import type { Clock } from "../../core/clock.ts";

/** How long a file can be fetched. */
export const FILE_KEPT_MS = 15 * 60_000;
const FILES_PER_CHANNEL_MAX = 5;
/** UTF-16 code units of all files together. */
const FILES_LENGTH_MAX = 32 * 1024 * 1024;

interface ShelvedFile {
  readonly channel: string;
  readonly name: string;
  readonly content: string;
  readonly keptUntil: Date;
}

/**
 * Holds files for people for a short time, in memory only: card codes may not be written down
 * anywhere in clear. What is too old, or too much, is dropped, oldest first.
 */
export class WebFileShelf {
  readonly #clock: Clock;
  readonly #stopping: AbortSignal;
  readonly #files = new Map<string, ShelvedFile>();

  constructor(clock: Clock, stopping: AbortSignal) {
    this.#clock = clock;
    this.#stopping = stopping;
  }

  put(id: string, channel: string, name: string, content: string): void {
    const keptUntil = new Date(this.#clock.now().getTime() + FILE_KEPT_MS);
    this.#files.set(id, { channel, name, content, keptUntil });
    this.#dropOldest();
    void this.#clock.sleep(FILE_KEPT_MS, this.#stopping).then(() => this.#files.delete(id));
  }

  /** `null` when it is not that channel's, or no longer here. */
  read(id: string, channel: string): ShelvedFile | null {
    const file = this.#files.get(id);
    if (file === undefined || file.channel !== channel) return null;
    return file.keptUntil > this.#clock.now() ? file : null;
  }

  drop(id: string): void {
    this.#files.delete(id);
  }

  #dropOldest(): void {
    const nowMs = this.#clock.now().getTime();
    const perChannel = new Map<string, number>();
    let length = 0;
    for (const [id, file] of [...this.#files].reverse()) {
      const count = (perChannel.get(file.channel) ?? 0) + 1;
      const isTooMuch =
        count > FILES_PER_CHANNEL_MAX || length + file.content.length > FILES_LENGTH_MAX;
      // The newest is kept however long it is: its codes exist nowhere else.
      if (file.keptUntil.getTime() <= nowMs || (isTooMuch && length > 0)) {
        this.#files.delete(id);
        continue;
      }
      perChannel.set(file.channel, count);
      length += file.content.length;
    }
  }
}
