import { formatCredit } from "../billing/amount.ts";
import type { Unit } from "../billing/lot.ts";
import { micros } from "../billing/micros.ts";
import type { AmountText } from "./amount-text.ts";
import type { Texts } from "./texts.ts";

/** "2026-12-31", in UTC, the same in every language. */
export function formatDate(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** "2026-12-31 18:05 UTC". */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** An amount with its unit in the person's language, e.g. "3 messages" or "0.0123 USD". */
export function formatAmount(
  unit: Unit,
  amount: bigint,
  texts: Texts,
  currency: string,
): AmountText {
  const text = unit === "message" ? String(amount) : formatCredit(micros(amount));
  return texts.amount(unit, text, currency);
}

/** Both units, leaving out credit that was never there: "3 messages" or "0.50 USD · 3 messages". */
export function formatFunds(
  funds: Readonly<Record<Unit, bigint>>,
  texts: Texts,
  currency: string,
): AmountText {
  const units: Unit[] = ["credit", "message"];
  const present = units.filter((unit) => funds[unit] !== 0n);
  const shown = present.length === 0 ? (["message"] as const) : present;
  return shown.map((unit) => formatAmount(unit, funds[unit], texts, currency)).join(" · ");
}

/** Midnight before `date`, in UTC. */
export function startOfDay(date: Date): Date {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));
}
