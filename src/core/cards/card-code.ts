import { createHmac, randomBytes } from "node:crypto";

/** Crockford's alphabet: no I, L, O, U, which are misread. */
const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const PREFIX_LENGTH = 4;
const SECRET_LENGTH = 20;
const CHECK_LENGTH = 2;
export const CODE_LENGTH = PREFIX_LENGTH + SECRET_LENGTH + CHECK_LENGTH;
/** Two symbols hold up to 1023; this prime misses no swap of neighbours and no single slip. */
const CHECK_MODULUS = 1021;
/** A code with a space after every symbol is shorter than this. */
const TYPED_LENGTH_MAX = 200;

// Invisible characters; dashes of every kind, among them the minus sign, the Japanese long vowel
// and the Chinese "one", which keyboards offer for a dash; underscores; dots of every kind.
const FILLERS = /[\s\p{Cf}\p{Pd}\p{Pc}\u2043\u2212\u30fc\u4e00.\u00b7\u2022\u2027\u3002\u30fb]/gu;

/** A secret that turns codes into what is stored. Its version is kept with each card. */
export interface CardPepper {
  readonly version: number;
  hmac(code: string): Uint8Array;
}

/** A pepper over a key of at least 32 bytes, which is never in the database. */
export function createCardPepper(version: number, key: Uint8Array): CardPepper {
  return {
    version,
    hmac: (code) =>
      createHmac("sha256", key)
        .update(`card:v1:${code.slice(0, PREFIX_LENGTH + SECRET_LENGTH)}`)
        .digest(),
  };
}

/** `count` new codes with a prefix of four symbols, 100 random bits each. */
export function createCodes(prefix: string, count: number): string[] {
  const bytes = randomBytes(count * SECRET_LENGTH);
  return Array.from({ length: count }, (_, index) => {
    const part = bytes.subarray(index * SECRET_LENGTH, (index + 1) * SECRET_LENGTH);
    // 32 symbols divide 256 evenly, so the low five bits are not biased.
    const secret = Array.from(part, (byte) => SYMBOLS.charAt(byte & 31)).join("");
    return prefix + secret + checkSymbols(secret);
  });
}

/** The two symbols that follow a secret: a typo is noticed without asking the database. */
export function checkSymbols(secret: string): string {
  let rest = 0;
  for (const symbol of secret) rest = (rest * 32 + SYMBOLS.indexOf(symbol)) % CHECK_MODULUS;
  return SYMBOLS.charAt(rest >> 5) + SYMBOLS.charAt(rest & 31);
}

/** What a person typed in the form codes are kept in; it need not be a code. */
export function normaliseCode(typed: string): string {
  return typed
    .normalize("NFKC")
    .replace(FILLERS, "")
    .toUpperCase()
    .replace(/[IL]/g, "1")
    .replace(/O/g, "0");
}

/** Whether a normalised text has the shape of a code and fitting check symbols. */
export function isCode(normalised: string): boolean {
  if (normalised.length !== CODE_LENGTH || !isOfSymbols(normalised)) return false;
  const secret = normalised.slice(PREFIX_LENGTH, -CHECK_LENGTH);
  return normalised.endsWith(checkSymbols(secret));
}

export function isOfSymbols(text: string): boolean {
  return Array.from(text).every((symbol) => SYMBOLS.includes(symbol));
}

/** Whether a message is nothing but one well-formed code. */
export function looksLikeCode(text: string): boolean {
  return text.length <= TYPED_LENGTH_MAX && isCode(normaliseCode(text));
}

/** In groups of four, as printed on a card: "DKA7-JN20-EF93-0BCT-DTA3-27TY-JW". */
export function formatCode(code: string): string {
  return (code.match(/.{1,4}/g) ?? []).join("-");
}

/** What may be shown of a code: enough to tell one's cards apart, too little to redeem one. */
export function maskCode(code: string): string {
  return code.length <= 8 ? code : `${code.slice(0, 4)}…${code.slice(-4)}`;
}
