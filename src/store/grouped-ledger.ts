import assert from "node:assert";
import type pg from "pg";
import type {
  AccountBalance,
  CaptureOutcome,
  HoldOutcome,
  HoldRequest,
  JournalEntry,
  Ledger,
  Undone,
} from "../core/billing/ledger.ts";
import type { NewLot } from "../core/billing/lot.ts";
import { createId } from "../core/ids.ts";
import { LedgerLane } from "./ledger-lane.ts";
import { PgLedger } from "./pg-ledger.ts";

/** How calls are grouped. */
export interface GroupedLedgerOptions {
  /** Groups at once; each takes a connection of the pool while it runs. */
  readonly lanes?: number;
  /** Most calls in one transaction. */
  readonly groupSizeMax?: number;
  /** How long others wait for calls that go on alone, so that they do not overtake them. */
  readonly patienceMs?: number;
}

/** More only compete for the same processors; fewer leave one idle while a group is flushed. */
const LANES = 2;
/** A larger group is hardly cheaper a call, and everybody in it waits for all of it. */
const GROUP_SIZE_MAX = 256;
const PATIENCE_MS = 20;

/**
 * The ledger in Postgres for many callers at once: holds and captures that arrive while a
 * transaction is under way share the next one. Each caller is answered after the commit with its own
 * outcome, the same as from `PgLedger` in the order of the calls; a call that fails, and an account
 * that is locked, disturb no other. A call that finds nothing under way starts at once.
 */
export class GroupedLedger implements Ledger {
  readonly #one: PgLedger;
  readonly #lanes: readonly LedgerLane[];

  constructor(pool: pg.Pool, options: GroupedLedgerOptions = {}) {
    this.#one = new PgLedger(pool);
    const { lanes = LANES, groupSizeMax = GROUP_SIZE_MAX, patienceMs = PATIENCE_MS } = options;
    this.#lanes = Array.from(
      { length: lanes },
      () => new LedgerLane(pool, this.#one, { groupSizeMax, patienceMs }),
    );
  }

  placeHold(request: HoldRequest): Promise<HoldOutcome> {
    const mark = markOf(request.accountId);
    const id = createId(new Date()).slice(0, -2) + mark;
    return this.#laneOf(mark).placeHold(id, request);
  }

  captureHold(holdId: string, amount: bigint): Promise<CaptureOutcome> {
    return this.#laneOf(holdId.slice(-2)).captureHold(holdId, amount);
  }

  balance(accountId: string): Promise<AccountBalance> {
    return this.#one.balance(accountId);
  }

  grant(lot: NewLot): Promise<boolean> {
    return this.#one.grant(lot);
  }

  findGrantEntry(cause: string): Promise<bigint> {
    return this.#one.findGrantEntry(cause);
  }

  releaseHold(holdId: string): Promise<void> {
    return this.#one.releaseHold(holdId);
  }

  renewHold(holdId: string, leaseMs: number): Promise<boolean> {
    return this.#one.renewHold(holdId, leaseMs);
  }

  releaseLapsedHolds(limit: number): Promise<number> {
    return this.#one.releaseLapsedHolds(limit);
  }

  expireLots(limit: number): Promise<number> {
    return this.#one.expireLots(limit);
  }

  listEntries(accountId: string, limit: number): Promise<JournalEntry[]> {
    return this.#one.listEntries(accountId, limit);
  }

  undo(entryId: bigint, reason: string): Promise<Undone> {
    return this.#one.undo(entryId, reason);
  }

  findUndone(entryId: bigint): Promise<Undone> {
    return this.#one.findUndone(entryId);
  }

  #laneOf(mark: string): LedgerLane {
    const lane = this.#lanes[(Number.parseInt(mark, 16) || 0) % this.#lanes.length];
    assert(lane !== undefined, "a grouped ledger has a lane");
    return lane;
  }
}

/**
 * Two hex digits that go with an account. They end the ids of its holds, so that a capture finds the
 * lane of its account; one that does not (a hold placed elsewhere) only waits a little more.
 */
function markOf(accountId: string): string {
  let hash = 0;
  for (let index = 0; index < accountId.length; index += 1) {
    hash = (Math.imul(hash, 31) + accountId.charCodeAt(index)) | 0;
  }
  return (hash & 0xff).toString(16).padStart(2, "0");
}
