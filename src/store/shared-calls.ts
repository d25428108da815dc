import { OutsideError } from "../core/errors.ts";

/** How calls are made, one or many. */
export interface SharedCallsOptions<Answer> {
  /** Answers in the order of the calls; `null` for one that must go alone. All or nothing. */
  runGroup(calls: readonly string[]): Promise<readonly (Answer | null)[]>;
  runAlone(call: string): Promise<Answer>;
}

interface WaitingCall<Answer> {
  readonly call: string;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** Transactions at once. Fewer leave a processor idle while one is flushed to disk. */
const TRANSACTIONS_MAX = 4;
/** Postgres keeps 64 subtransactions at hand; an item may take one. */
const GROUP_SIZE_MAX = 32;

/**
 * Calls of the same kind that share a transaction with others of their moment. A call starts at once
 * while few are under way; only behind those it waits, and then goes with all that wait. A group that
 * fails is asked again one by one, so that nobody's failure is another's: calls must be safe to
 * repeat. Only an `OutsideError` is everybody's. Rejects as `runAlone` does otherwise.
 */
export class SharedCalls<Answer> {
  readonly #options: SharedCallsOptions<Answer>;
  #waiting: WaitingCall<Answer>[] = [];
  #running = 0;

  constructor(options: SharedCallsOptions<Answer>) {
    this.#options = options;
  }

  call(call: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      if (this.#running < TRANSACTIONS_MAX) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running += 1;
    // What is called in the same turn of the event loop goes together.
    await null;
    while (this.#waiting.length > 0) {
      const calls = this.#waiting.splice(0, GROUP_SIZE_MAX);
      const [first] = calls;
      if (calls.length === 1 && first !== undefined) await this.#runAlone(first);
      else await this.#runGroup(calls);
    }
    this.#running -= 1;
  }

  async #runGroup(calls: readonly WaitingCall<Answer>[]): Promise<void> {
    let answers: readonly (Answer | null)[] = [];
    try {
      answers = await this.#options.runGroup(calls.map(({ call }) => call));
    } catch (error) {
      if (error instanceof OutsideError) {
        // The database is busy: asking once more for each would make everybody wait twice.
        for (const { reject } of calls) reject(error);
        return;
      }
      // Whether it was committed nobody may know: each call finds out for itself.
    }
    for (const [index, call] of calls.entries()) {
      const answer = answers[index] ?? null;
      // Not awaited: what waits for a lock, others need not wait for.
      if (answer === null) void this.#runAlone(call);
      else call.resolve(answer);
    }
  }

  async #runAlone({ call, resolve, reject }: WaitingCall<Answer>): Promise<void> {
    await this.#options.runAlone(call).then(resolve, reject);
  }
}
