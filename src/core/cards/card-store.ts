import type { Unit } from "../billing/lot.ts";
import type { CardBatch, NewBatch, NewCard } from "./card-batch.ts";

/** Who tries a code. */
export interface Redeemer {
  readonly accountId: string;
  /** "telegram:<bot>:<user id>": wrong guesses count for it and for the account. */
  readonly identityKey: string;
}

export type RedeemOutcome =
  | {
      readonly status: "redeemed";
      readonly unit: Unit;
      readonly amount: bigint;
      readonly validUntil: Date;
      /** Older credit of the same sort now lasts as long. */
      readonly isExtended: boolean;
    }
  /** This account redeemed it before; nothing was added. */
  | { readonly status: "already_yours" }
  /** The check symbols are wrong. */
  | { readonly status: "typo" }
  /** Unknown, used by someone else, frozen, void or past its date: a stranger learns no more. */
  | { readonly status: "invalid_or_used" }
  | { readonly status: "limit_per_account" }
  /** Too many wrong guesses: the code was not looked at. */
  | { readonly status: "locked"; readonly until: Date };

export interface RedeemAttempt {
  readonly outcome: RedeemOutcome;
  /** This guess made the wrong guesses of everybody, within ten minutes, look like an attack. */
  readonly startsStorm: boolean;
}

/** What everybody together tried of late, as seen by one account. */
export interface GuessPressure {
  /** Wrong guesses in this window, from everybody; light ones count in part. */
  readonly guesses: number;
  readonly isStorm: boolean;
  /** The account redeemed a card or paid before. */
  readonly isKnown: boolean;
}

/** A batch of which few cards are left. */
export interface LowStock {
  readonly id: string;
  readonly name: string;
  /** Cards that can still be redeemed, and all there were. */
  readonly left: number;
  readonly count: number;
}

export type BatchChange = "freeze" | "unfreeze" | "void";

/** Keeps batches and cards. Codes come in and are kept as HMAC only. */
export interface CardStore {
  /** Keeps a batch with all its cards, or nothing. Throws `UserError("batch_exists")`. */
  createBatch(batch: NewBatch, chunks: Iterable<readonly NewCard[]>): Promise<void>;
  /** Newest first. */
  listBatches(limit: number): Promise<CardBatch[]>;
  findBatch(name: string): Promise<CardBatch | null>;
  /**
   * Freezing is undone by unfreezing; void is for good and takes every card nobody redeemed. Once
   * it returns, no card of a frozen or void batch is redeemed. Throws `UserError("unknown_batch" |
   * "batch_state")`.
   */
  changeBatch(name: string, change: BatchChange): Promise<{ before: CardBatch; after: CardBatch }>;
  /**
   * Tries one code, known by its HMACs under the newest peppers; none for a code whose check
   * symbols are wrong. The guard is asked first; the card, its lot, lots that are extended and the
   * count of the guess change together or not at all.
   */
  redeem(redeemer: Redeemer, codeHmacs: readonly Uint8Array[]): Promise<RedeemAttempt>;
  readPressure(accountId: string): Promise<GuessPressure>;
  /**
   * Batches that can be redeemed, of which fewer cards are left than `lowStockBound` says, and which
   * were not noted yet.
   */
  listLowStock(limit: number): Promise<LowStock[]>;
  /** Admins were told: the batch is not listed again. */
  noteLowStockTold(batchId: string): Promise<void>;
  /** Forgets counts that no longer matter, at most `limit`; returns how many. */
  forgetOldGuesses(limit: number): Promise<number>;
}
