import type { Lot, NewLot, Unit } from "./lot.ts";

/** What one account owns, per unit. */
export interface AccountBalance {
  /** Usable lots in the order they will be used. */
  readonly lots: readonly Lot[];
  readonly available: Readonly<Record<Unit, bigint>>;
  readonly held: Readonly<Record<Unit, bigint>>;
}

/**
 * The most a reply can cost. It is paid wholly in one unit: message lots that cover the model
 * first, else credit.
 */
export interface HoldRequest {
  /** Chosen by the caller: "reply:<id>". The same cause holds once. */
  readonly cause: string;
  readonly accountId: string;
  readonly model: string;
  /** Messages the model costs; `null` when it cannot be paid in messages. */
  readonly messageCost: bigint | null;
  /** Micros wanted; less is held when less is there, but never less than `creditMin`. */
  readonly creditMax: bigint;
  readonly creditMin: bigint;
  readonly leaseMs: number;
}

export type HoldOutcome =
  | {
      readonly status: "held";
      readonly holdId: string;
      readonly unit: Unit;
      /** What was really set aside, between `creditMin` and `creditMax` when the unit is credit. */
      readonly amount: bigint;
      /** The cause had been held before; nothing moved now. */
      readonly existed: boolean;
    }
  | {
      readonly status: "insufficient";
      readonly creditAvailable: bigint;
      readonly messagesAvailable: bigint;
    };

/**
 * `captured`: the amount moved to revenue, the rest returned to the lots it came from, last taken
 * first. `repeated`: the same amount had been captured before; nothing moved.
 */
export interface CaptureOutcome {
  readonly status: "captured" | "repeated";
  /** What was charged; less than asked for only when the hold had lapsed and credit was short. */
  readonly captured: bigint;
}

/** A line of the journal, as operators see it. */
export interface JournalEntry {
  readonly id: bigint;
  readonly fromAccount: string;
  readonly toAccount: string;
  readonly unit: Unit;
  readonly amount: bigint;
  readonly reason: string;
  readonly createdAt: Date;
}

/** What a grant that was undone had left. */
export interface Undone {
  readonly accountId: string;
  readonly unit: Unit;
  readonly amount: bigint;
}

/**
 * The book of every credit that ever moved. Entries are only ever added.
 *
 * A hold sets credit aside before its exact amount is known: placed before an upstream call, then
 * captured for what the call really cost, or released when it failed. It is a lease: a hold that
 * is neither resolved nor renewed lapses and its credit returns.
 */
export interface Ledger {
  balance(accountId: string): Promise<AccountBalance>;
  /** Adds a lot. Returns `false` when the cause had already granted one. */
  grant(lot: NewLot): Promise<boolean>;
  /** The journal line by which a cause granted its lot. Throws when there is none. */
  findGrantEntry(cause: string): Promise<bigint>;
  /** Throws when the cause holds something else: that is a bug. */
  placeHold(request: HoldRequest): Promise<HoldOutcome>;
  /**
   * Charges `amount` (at most what was held). A hold that lapsed meanwhile is charged afresh from
   * what is there. Throws when the hold was captured with another amount or released: that is a bug.
   */
  captureHold(holdId: string, amount: bigint): Promise<CaptureOutcome>;
  /**
   * Returns everything to the lots it came from; what belongs to a lot that ended goes to breakage.
   * A hold that was resolved before stays as it is.
   */
  releaseHold(holdId: string): Promise<void>;
  /** `false` when the hold is no longer open. */
  renewHold(holdId: string, leaseMs: number): Promise<boolean>;
  /** Releases at most `limit` lapsed holds and returns how many there were. */
  releaseLapsedHolds(limit: number): Promise<number>;
  /** Books the rest of at most `limit` lots that ended as breakage; returns how many there were. */
  expireLots(limit: number): Promise<number>;
  /** The newest lines that touch an account, newest first. */
  listEntries(accountId: string, limit: number): Promise<JournalEntry[]>;
  /**
   * Takes back what is left of the lot that the entry granted, by a new entry. Throws
   * `UserError("unknown_entry" | "cannot_undo" | "already_undone")`. Returns what was taken back.
   */
  undo(entryId: bigint, reason: string): Promise<Undone>;
  /** What was taken back when the grant of the entry was undone. Throws when it never was. */
  findUndone(entryId: bigint): Promise<Undone>;
}
