import { UserError } from "../errors.ts";
import type { Unit } from "./lot.ts";
import { MICROS_PER_UNIT, type Micros, micros } from "./micros.ts";

const DECIMALS_MAX = 6;
const DECIMALS_SHOWN_MIN = 2;
const TEXT_SHOWN_MAX = 40;
/** A slip of the finger ends here: a million units of the currency, ten million questions. */
const CREDIT_MAX = 1_000_000n * MICROS_PER_UNIT;
const MESSAGES_MAX = 10_000_000n;

export interface Amount {
  readonly unit: Unit;
  /** Micros or messages, more than 0. */
  readonly amount: bigint;
}

/**
 * Reads what an admin types: "12.5" is credit, "100m" are messages; full-width digits count.
 * Throws `UserError("amount_invalid")` for anything else, 0, or more than one could mean.
 */
export function parseAmount(text: string): Amount {
  const typed = toAscii(text).trim().toLowerCase();
  const messages = /^(\d{1,8})m$/.exec(typed)?.[1];
  const [unit, amount, max]: [Unit, bigint, bigint] =
    messages === undefined
      ? ["credit", parseDecimal(typed) ?? invalid(text), CREDIT_MAX]
      : ["message", BigInt(messages), MESSAGES_MAX];
  return amount === 0n || amount > max ? invalid(text) : { unit, amount };
}

/**
 * Reads a price, e.g. "0.25" for a million tokens; 0 is a price as well. Throws
 * `UserError("amount_invalid")`.
 */
export function parsePrice(text: string): Micros {
  const price = parseDecimal(toAscii(text).trim());
  return price === null || price > CREDIT_MAX ? invalid(text) : price;
}

/** The shortest exact decimal with at least two decimals: "12.50", "0.0031". */
export function formatCredit(amount: Micros): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(DECIMALS_MAX + 1, "0");
  const whole = digits.slice(0, -DECIMALS_MAX);
  const decimals = digits.slice(-DECIMALS_MAX).replace(/0+$/, "").padEnd(DECIMALS_SHOWN_MIN, "0");
  return `${amount < 0n ? "-" : ""}${whole}.${decimals}`;
}

function parseDecimal(text: string): Micros | null {
  const [, whole, decimals = ""] = /^(\d{1,7})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  return micros(BigInt(whole + decimals.padEnd(DECIMALS_MAX, "0")));
}

/** Full-width forms only. Not NFKC: that would read "5²" as 52. */
function toAscii(text: string): string {
  return text.replace(/[\uff01-\uff5e]/g, (character) =>
    String.fromCharCode(character.charCodeAt(0) - 0xfee0),
  );
}

function invalid(text: string): never {
  throw new UserError("amount_invalid", { amount: text.slice(0, TEXT_SHOWN_MAX) });
}
