import assert from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { CaptureOutcome, HoldOutcome, HoldRequest } from "../core/billing/ledger.ts";
import { type GroupAnswer, type GroupItem, runLedgerGroup } from "./ledger-group-query.ts";
import type { PgLedger } from "./pg-ledger.ts";

/** How a lane groups. */
export interface LedgerLaneOptions {
  /** Most calls in one transaction. */
  readonly groupSizeMax: number;
  /** How long the next group waits for calls that go on alone, so that it does not overtake them. */
  readonly patienceMs: number;
}

/** A caller that waits for its answer. */
interface Call {
  readonly item: GroupItem;
  /** What no other call of the same group may be about. */
  readonly key: string;
  /** Tells the caller what its group answered. */
  answer(answer: GroupAnswer): void;
  /** Asks the ledger for this call only, and tells the caller. Never rejects. */
  askAlone(): Promise<void>;
}

/**
 * Holds and captures that take turns: one group is under way while the next one gathers. Nothing
 * waits for a group to fill, and a call that has no company goes by itself.
 */
export class LedgerLane {
  readonly #pool: pg.Pool;
  readonly #one: PgLedger;
  readonly #options: LedgerLaneOptions;
  #waiting: Call[] = [];
  #isRunning = false;

  constructor(pool: pg.Pool, one: PgLedger, options: LedgerLaneOptions) {
    this.#pool = pool;
    this.#one = one;
    this.#options = options;
  }

  /** `id`: of the hold, if it is placed in company. */
  placeHold(id: string, request: HoldRequest): Promise<HoldOutcome> {
    return this.#add(
      { kind: "hold", id, request },
      `hold ${request.cause}`,
      (answer) => holdOutcomeOf(id, answer),
      () => this.#one.placeHold(request),
    );
  }

  captureHold(holdId: string, amount: bigint): Promise<CaptureOutcome> {
    return this.#add(
      { kind: "capture", id: holdId, amount },
      `capture ${holdId}`,
      (answer) => ({ status: "captured", captured: answer.amount }),
      () => this.#one.captureHold(holdId, amount),
    );
  }

  #add<Outcome>(
    item: GroupItem,
    key: string,
    outcomeOf: (answer: GroupAnswer) => Outcome,
    alone: () => Promise<Outcome>,
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        item,
        key,
        answer: (answer) => resolve(outcomeOf(answer)),
        askAlone: () => alone().then(resolve, reject),
      });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // What is called in the same turn of the event loop goes together.
    await null;
    while (this.#waiting.length > 0) {
      const calls = this.#takeGroup();
      const left = calls.length === 1 ? [askInTurn(calls)] : await this.#runGroup(calls, false);
      if (left.length > 0) await settledOrLate(left, this.#options.patienceMs);
    }
    this.#isRunning = false;
  }

  /** The oldest calls; the second of two about the same hold begins the next group. */
  #takeGroup(): Call[] {
    const keys = new Set<string>();
    for (const { key } of this.#waiting) {
      if (keys.has(key) || keys.size === this.#options.groupSizeMax) break;
      keys.add(key);
    }
    return this.#waiting.splice(0, keys.size);
  }

  /**
   * Ends with the transaction and gives what then goes on for some of its calls. Neither it nor they
   * reject: whatever fails is told to the callers. `waits`: for accounts that others have locked.
   */
  async #runGroup(calls: readonly Call[], waits: boolean): Promise<Promise<void>[]> {
    let answers: readonly GroupAnswer[];
    try {
      const items = calls.map((call) => call.item);
      answers = await runLedgerGroup(this.#pool, items, waits);
    } catch {
      // One call made no sense to the database, or nobody knows whether the group was committed.
      // Both ways each finds out for itself: the same cause moves once.
      return calls.map((call) => call.askAlone());
    }
    const alone = new Map<number, Call[]>();
    const busy = new Map<number, Call[]>();
    for (const [index, call] of calls.entries()) {
      const answer = answers[index];
      assert(answer !== undefined, "every call of a group is answered");
      if (answer.status === "alone") append(alone, answer.accountNo, call);
      else if (answer.status === "busy") append(busy, answer.accountNo, call);
      else call.answer(answer);
    }
    return [
      ...Array.from(alone.values(), askInTurn),
      ...Array.from(busy.values(), (part) => this.#runToTheEnd(part)),
    ];
  }

  async #runToTheEnd(calls: readonly Call[]): Promise<void> {
    await Promise.all(await this.#runGroup(calls, true));
  }
}

function append(parts: Map<number, Call[]>, accountNo: number, call: Call): void {
  const part = parts.get(accountNo);
  if (part === undefined) parts.set(accountNo, [call]);
  else part.push(call);
}

async function askInTurn(calls: readonly Call[]): Promise<void> {
  for (const call of calls) await call.askAlone();
}

async function settledOrLate(work: readonly Promise<void>[], patienceMs: number): Promise<void> {
  const over = new AbortController();
  const late = sleep(patienceMs, undefined, { signal: over.signal }).catch(() => {});
  await Promise.race([Promise.all(work), late]);
  over.abort();
}

function holdOutcomeOf(holdId: string, answer: GroupAnswer): HoldOutcome {
  const { unit, amount, creditAvailable, messagesAvailable } = answer;
  if (answer.status === "insufficient") {
    return { status: "insufficient", creditAvailable, messagesAvailable };
  }
  return { status: "held", holdId, unit, amount, existed: false };
}
