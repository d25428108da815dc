import { createHmac, randomBytes } from "node:crypto";
import { isOfSymbols, normaliseCode } from "../cards/card-code.ts";

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** 40 bits, which live for ten minutes; a card's code has 26 symbols, so neither is taken for the other. */
const CODE_LENGTH = 8;

/** Turns a code into what is stored. */
export type LinkCodeHmac = (code: string) => Uint8Array;

/** Over a key of at least 32 bytes, which is never in the database. */
export function createLinkCodeHmac(key: Uint8Array): LinkCodeHmac {
  return (code) => createHmac("sha256", key).update(`link:v1:${code}`).digest();
}

/** A new code in normal form. */
export function createLinkCode(): string {
  // 32 symbols divide 256 evenly, so the low five bits are not biased.
  return Array.from(randomBytes(CODE_LENGTH), (byte) => SYMBOLS.charAt(byte & 31)).join("");
}

/** "7K3M-9QX2", as it is shown. */
export function formatLinkCode(code: string): string {
  return `${code.slice(0, CODE_LENGTH / 2)}-${code.slice(CODE_LENGTH / 2)}`;
}

/** The code a person typed, in normal form; `null` when it cannot be one. */
export function parseLinkCode(typed: string): string | null {
  // Longer texts are not even normalised.
  if (typed.length > 8 * CODE_LENGTH) return null;
  const code = normaliseCode(typed);
  return code.length === CODE_LENGTH && isOfSymbols(code) ? code : null;
}
