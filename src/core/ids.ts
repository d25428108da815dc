import { randomBytes, randomUUID } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ACCOUNT_ID_LENGTH = 10;

/** A new account id: short enough to be read out in a support chat, e.g. "7K3M9QX2DA". */
export function createAccountId(): string {
  return Array.from(randomBytes(ACCOUNT_ID_LENGTH), (byte) => ALPHABET[byte & 31]).join("");
}

/** A UUID of version 7: ordered by time, so that index pages fill up instead of splitting. */
export function createId(now: Date): string {
  // All behind the version of a random one is random, and Node makes many of them in one go.
  return `${timePart(now)}-7${randomUUID().slice(15)}`;
}

/** No id made at that time or later is below this one. */
export function lowestIdAt(time: Date): string {
  return `${timePart(time)}-7000-8000-000000000000`;
}

function timePart(time: Date): string {
  const digits = time.getTime().toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}
