import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const PREFIX = "sealed:v1:";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
/** The size GCM is made for: https://nvlpubs.nist.gov/nistpubs/legacy/sp/nistspecialpublication800-38d.pdf, 5.2.1.1. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Keeps this key apart from others that are derived from the same SECRET_KEY. */
const PURPOSE = "dianka secret box v1";

/**
 * Seals secrets, so that they may lie in a config file: AES-256-GCM with a key derived by HKDF from
 * `SECRET_KEY`. A sealed text looks like "sealed:v1:…" and opens only with the same key, unchanged.
 */
export class SecretBox {
  readonly #key: Buffer;

  constructor(secretKey: string) {
    if (secretKey === "") throw new Error("SECRET_KEY is empty");
    this.#key = Buffer.from(hkdfSync("sha256", secretKey, "", PURPOSE, KEY_BYTES));
  }

  static isSealed(text: string): boolean {
    return text.startsWith(PREFIX);
  }

  seal(secret: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(PREFIX));
    const sealed = Buffer.concat([nonce, cipher.update(secret, "utf8"), cipher.final()]);
    return PREFIX + Buffer.concat([sealed, cipher.getAuthTag()]).toString("base64url");
  }

  /** Throws when the text was sealed with another key, or changed since. */
  open(sealed: string): string {
    const bytes = SecretBox.isSealed(sealed)
      ? Buffer.from(sealed.slice(PREFIX.length), "base64url")
      : Buffer.alloc(0);
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error("This is not a sealed secret");
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(PREFIX));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    } catch {
      throw new Error("A sealed secret does not open with this SECRET_KEY");
    }
  }
}
