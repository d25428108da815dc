/** The messages for one bot, in their order, and who waits for them. */
export class IlinkUpdates {
  readonly #messages: unknown[] = [];
  readonly #waiting = new Set<() => void>();
  /** Cursors that went back behind one asked with before: what a client does after a restart. */
  rewinds = 0;
  #furthest = 0;
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  push(message: unknown): void {
    this.#messages.push(message);
    this.wake();
  }

  /** Whoever waits gets an answer now. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Where a cursor points; `null` when it is none of ours. */
  position(cursor: string): number | null {
    if (cursor === "") return 0;
    const [secret, place] = Buffer.from(cursor, "base64").toString().split("|");
    const position = Number(place);
    const isOurs = secret === this.#secret && position <= this.#messages.length;
    return isOurs ? position : null;
  }

  read(position: number): { readonly messages: readonly unknown[]; readonly cursor: string } {
    if (position < this.#furthest) this.rewinds += 1;
    this.#furthest = Math.max(this.#furthest, position);
    const end = this.#messages.length;
    const cursor = Buffer.from(`${this.#secret}|${end}`).toString("base64");
    return { messages: this.#messages.slice(position, end), cursor };
  }

  hasAfter(position: number): boolean {
    return this.#messages.length > position;
  }

  /** Resolves when a message comes, after `holdMs`, or when the caller hangs up. */
  async wait(holdMs: number, hangUp: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, holdMs);
    hangUp.addEventListener("abort", () => resolve(), { once: true });
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }
}
