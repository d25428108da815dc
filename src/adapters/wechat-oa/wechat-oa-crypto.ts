import {
  createCipheriv,
  createDecipheriv,
  createHash,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

// https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html
const CIPHER = "aes-256-cbc";
const KEY_LENGTH = 43;
const KEY_BYTES = 32;
const BLOCK_BYTES = 16;
/** Padding fills up to a multiple of this, not of the cipher's own block. */
const PADDING_BYTES = 32;
const RANDOM_BYTES = 16;
const LENGTH_BYTES = 4;

/** WeChat's signature: SHA-1 of the values, sorted and put together, in hexadecimal. */
export function signValues(...values: readonly string[]): string {
  return createHash("sha1").update(values.toSorted().join("")).digest("hex");
}

/** In a time that tells nothing about where the two differ, or how long they are. */
export function isSameText(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Encrypts and decrypts messages of one account in WeChat's safe mode. What is inside names the
 * account, so that nothing encrypted for another one is taken.
 */
export class MessageCipher {
  readonly #key: Buffer;
  readonly #appId: string;

  /** Throws when `encodingAesKey` is not one: 43 characters of base64. */
  constructor(encodingAesKey: string, appId: string) {
    this.#key = Buffer.from(`${encodingAesKey}=`, "base64");
    this.#appId = appId;
    if (encodingAesKey.length !== KEY_LENGTH || this.#key.length !== KEY_BYTES) {
      throw new Error("The EncodingAESKey of a WeChat account has 43 letters and digits");
    }
  }

  /** `random` is 16 bytes that nobody can guess; given only to reproduce a known example. */
  encrypt(text: string, random: Buffer = randomBytes(RANDOM_BYTES)): string {
    const message = Buffer.from(text, "utf8");
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(message.length);
    const content = Buffer.concat([random, length, message, Buffer.from(this.#appId, "utf8")]);
    const missing = PADDING_BYTES - (content.length % PADDING_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, this.#initializationVector());
    cipher.setAutoPadding(false);
    return Buffer.concat([
      cipher.update(content),
      cipher.update(Buffer.alloc(missing, missing)),
      cipher.final(),
    ]).toString("base64");
  }

  /** `null` when it was not encrypted with this key for this account. */
  decrypt(encrypted: string): string | null {
    const bytes = Buffer.from(encrypted, "base64");
    if (bytes.length === 0 || bytes.length % BLOCK_BYTES !== 0) return null;
    const decipher = createDecipheriv(CIPHER, this.#key, this.#initializationVector());
    decipher.setAutoPadding(false);
    const content = withoutPadding(Buffer.concat([decipher.update(bytes), decipher.final()]));
    const start = RANDOM_BYTES + LENGTH_BYTES;
    if (content === null || content.length < start) return null;
    const end = start + content.readUInt32BE(RANDOM_BYTES);
    if (end > content.length) return null;
    if (!isSameText(content.toString("utf8", end), this.#appId)) return null;
    return content.toString("utf8", start, end);
  }

  #initializationVector(): Buffer {
    return this.#key.subarray(0, BLOCK_BYTES);
  }
}

function withoutPadding(content: Buffer): Buffer | null {
  const length = content.at(-1) ?? 0;
  if (length < 1 || length > PADDING_BYTES || length > content.length) return null;
  const padding = content.subarray(content.length - length);
  return padding.every((byte) => byte === length)
    ? content.subarray(0, content.length - length)
    : null;
}
