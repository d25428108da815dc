import { createHash } from "node:crypto";
import type { Unit } from "../billing/lot.ts";
import { UserError } from "../errors.ts";
import { isOfSymbols, PREFIX_LENGTH } from "./card-code.ts";

/** Card shops take at most this many lines a file. */
const CARDS_PER_BATCH_MAX = 20_000;
const VALID_DAYS_MAX = 3_650;

export type BatchState = "active" | "frozen" | "void";
export type CardState = "active" | "redeemed" | "void";
/** "extend": older credit of the same sort takes the later date when a card is redeemed. */
export type Renewal = "extend" | "separate";

/** What an admin orders. */
export interface BatchOrder {
  /** Used once, ever. */
  readonly name: string;
  readonly count: number;
  readonly unit: Unit;
  /** What each card is worth. */
  readonly amount: bigint;
  /** How long the credit lasts, counted from redeeming. */
  readonly validDays: number;
  /** Until when a code may be redeemed; `null` means always. */
  readonly redeemUntil: Date | null;
  /** `null`: cards of messages extend, cards of credit do not. */
  readonly renewal: Renewal | null;
  /** Models the credit pays for; `null` means all. */
  readonly modelScope: readonly string[] | null;
  /** Cards of the batch that one account may redeem; `null` means any number. */
  readonly perAccountMax: number | null;
  /** Who ordered: "telegram:42". */
  readonly createdBy: string;
}

/** A batch as it is kept, before its cards. */
export interface NewBatch extends BatchOrder {
  readonly id: string;
  readonly prefix: string;
  readonly renewal: Renewal;
  /** Of the file that was handed out: a lost or changed file can be told. */
  readonly exportSha256: string;
}

/** A print run of cards and what became of them. */
export interface CardBatch extends NewBatch {
  readonly state: BatchState;
  readonly createdAt: Date;
  readonly cards: Readonly<Record<CardState, number>>;
}

/** What is kept of a card. The code itself is not. */
export interface NewCard {
  readonly id: string;
  readonly serial: number;
  readonly codeHmac: Uint8Array;
  readonly pepperVersion: number;
  /** The last four symbols as printed. */
  readonly last4: string;
}

/**
 * Throws `UserError("name_invalid" | "count_invalid" | "amount_invalid" | "days_invalid" |
 * "date_invalid")` for an order that cannot be filled.
 */
export function checkOrder(order: BatchOrder, now: Date): void {
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{0,39}$/u.test(order.name)) {
    throw new UserError("name_invalid", { name: order.name.slice(0, 40) });
  }
  checkCount(order.count, CARDS_PER_BATCH_MAX);
  if (order.perAccountMax !== null) checkCount(order.perAccountMax, CARDS_PER_BATCH_MAX);
  if (order.amount <= 0n) throw new UserError("amount_invalid", { amount: String(order.amount) });
  if (!isBetween(order.validDays, 1, VALID_DAYS_MAX)) {
    throw new UserError("days_invalid", { days: order.validDays });
  }
  if (order.redeemUntil !== null && !(order.redeemUntil.getTime() > now.getTime())) {
    throw new UserError("date_invalid", { date: dateText(order.redeemUntil) });
  }
}

/**
 * The four symbols all codes of a batch begin with, so that shops and support tell batches apart:
 * the first of its name, else some derived from it.
 */
export function prefixOf(name: string): string {
  const fromName = Array.from(name.toUpperCase()).filter(isOfSymbols).join("");
  if (fromName.length >= PREFIX_LENGTH) return fromName.slice(0, PREFIX_LENGTH);
  const derived = createHash("sha256").update(name).digest("hex").toUpperCase();
  return `DK${derived.slice(0, PREFIX_LENGTH - 2)}`;
}

/** The file that is handed out once: a code a line, without dashes, since shops split at them. */
export function exportText(codes: readonly string[]): string {
  return codes.map((code) => `${code}\n`).join("");
}

function checkCount(count: number, countMax: number): void {
  if (!isBetween(count, 1, countMax)) throw new UserError("count_invalid", { count, countMax });
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? "?" : date.toISOString().slice(0, 10);
}

function isBetween(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
