/** What a lot is counted in: micros of the ledger currency, or whole questions. */
export type Unit = "credit" | "message";

/** Kinds of lots in the order they are used up; the number is stored. */
export const LOT_KINDS = { trial: 0, gift: 1, compensation: 2, plan: 3, card: 4, paid: 5 } as const;
export type LotKind = keyof typeof LOT_KINDS;

/** A parcel of credit with a unit, a kind, what is left, and a validity date. */
export interface Lot {
  readonly id: string;
  readonly unit: Unit;
  readonly kind: LotKind;
  readonly granted: bigint;
  readonly remaining: bigint;
  /** `null`: it never ends. */
  readonly validUntil: Date | null;
  /** Models it pays for; `null` means all. */
  readonly modelScope: readonly string[] | null;
}

/** A lot to be granted. */
export interface NewLot {
  /** Chosen by the caller from what caused it, e.g. "trial:<account>". The same cause grants once. */
  readonly cause: string;
  readonly accountId: string;
  readonly unit: Unit;
  readonly kind: LotKind;
  /** Lower is used first; 50 when there is no reason for another. */
  readonly priority: number;
  /** Micros or messages, more than 0. */
  readonly amount: bigint;
  readonly validUntil: Date | null;
  readonly modelScope: readonly string[] | null;
  /** The journal account it is paid from: "promotions", "cards:<batch>", "goodwill". */
  readonly origin: string;
  readonly reason: string;
}
