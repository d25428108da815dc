import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ACCOUNT_ID_LENGTH = 10;

/** A new account id: short enough to be read out in a support chat, e.g. "7K3M9QX2DA". */
export function createAccountId(): string {
  return Array.from(randomBytes(ACCOUNT_ID_LENGTH), (byte) => ALPHABET[byte & 31]).join("");
}

/** A UUID of version 7: ordered by time, so that index pages fill up instead of splitting. */
export function createId(now: Date): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now.getTime(), 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
