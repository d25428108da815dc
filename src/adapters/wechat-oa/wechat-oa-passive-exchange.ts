/** One message of a person, and the attempts of WeChat to get an answer to it. */
export class PassiveExchange {
  readonly openId: string;
  readonly beganAtMs: number;
  readonly #over = new AbortController();
  #next = new AbortController();
  #attempts: number;
  #answer: string | null = null;
  /** Ends the request that is open right now. */
  #respond: ((answer: string | null) => void) | null = null;
  #isHeld = false;

  constructor(openId: string, beganAtMs: number, attempts: number) {
    this.openId = openId;
    this.beganAtMs = beganAtMs;
    this.#attempts = attempts;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** `null` until there is one. */
  get answer(): string | null {
    return this.#answer;
  }

  /** Whether an attempt is open that an answer would reach in time. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Aborts when the message has its answer, or will never have one. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Aborts when the next attempt comes. */
  get next(): AbortSignal {
    return this.#next.signal;
  }

  /** A new attempt: resolves with what to answer, `null` for nothing. The one before is dropped. */
  begin(): Promise<string | null> {
    this.drop();
    this.#attempts += 1;
    this.#next.abort();
    this.#next = new AbortController();
    this.#isHeld = true;
    return new Promise((resolve) => {
      this.#respond = resolve;
    });
  }

  /** An answer could come too late for the attempt that is open. */
  close(): void {
    this.#isHeld = false;
  }

  /** WeChat has hung up. */
  drop(): void {
    this.close();
    this.#respond?.(null);
    this.#respond = null;
  }

  end(answer: string | null): void {
    this.#answer = answer;
    if (this.#isHeld) this.#respond?.(answer);
    this.drop();
    this.#over.abort();
  }
}
