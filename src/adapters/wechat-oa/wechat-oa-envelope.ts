import { randomBytes } from "node:crypto";
import { isSameText, type MessageCipher, signValues } from "./wechat-oa-crypto.ts";
import { parseXml, writeXml, type XmlFields } from "./wechat-oa-xml.ts";

const NONCE_BYTES = 8;

/** A request of WeChat, opened. */
export type OpenedMessage =
  | { readonly kind: "message"; readonly fields: XmlFields; readonly isEncrypted: boolean }
  | { readonly kind: "forged" | "malformed" | "not_encrypted" | "no_key" };

/**
 * Proves that requests come from WeChat, and opens and seals what is in them. With a cipher only
 * encrypted messages are taken: their signature covers the message, that of plain ones does not.
 */
export class MessageEnvelope {
  readonly #token: string;
  readonly #cipher: MessageCipher | null;

  constructor(token: string, cipher: MessageCipher | null) {
    this.#token = token;
    this.#cipher = cipher;
  }

  /** Whether the address of a request is signed. */
  isSigned(query: URLSearchParams): boolean {
    const signature = signValues(this.#token, timestampOf(query), nonceOf(query));
    return isSameText(query.get("signature") ?? "", signature);
  }

  /** Whether a posted message may be opened: the signature of an encrypted one can be inside only. */
  mayOpen(query: URLSearchParams): boolean {
    const isSignedInside = isEncrypted(query) && query.has("msg_signature");
    return query.has("signature") || !isSignedInside ? this.isSigned(query) : true;
  }

  /** `query` passed `mayOpen`. */
  open(query: URLSearchParams, body: string): OpenedMessage {
    const fields = parseXml(body);
    if (!isEncrypted(query)) {
      if (this.#cipher !== null) return { kind: "not_encrypted" };
      if (fields === null) return { kind: "malformed" };
      return { kind: "message", fields, isEncrypted: false };
    }
    if (fields?.Encrypt === undefined) return { kind: "malformed" };
    const signature = this.#signEncrypted(timestampOf(query), nonceOf(query), fields.Encrypt);
    if (!isSameText(query.get("msg_signature") ?? "", signature)) return { kind: "forged" };
    if (this.#cipher === null) return { kind: "no_key" };
    const text = this.#cipher.decrypt(fields.Encrypt);
    if (text === null) return { kind: "forged" };
    const inner = parseXml(text);
    if (inner === null) return { kind: "malformed" };
    return { kind: "message", fields: inner, isEncrypted: true };
  }

  /** The body of an encrypted answer. */
  seal(document: string, timestamp: number): string {
    if (this.#cipher === null) throw new Error("there is no key to encrypt with");
    const encrypted = this.#cipher.encrypt(document);
    const nonce = randomBytes(NONCE_BYTES).toString("hex");
    return writeXml({
      Encrypt: encrypted,
      MsgSignature: this.#signEncrypted(String(timestamp), nonce, encrypted),
      TimeStamp: timestamp,
      Nonce: nonce,
    });
  }

  #signEncrypted(timestamp: string, nonce: string, encrypted: string): string {
    return signValues(this.#token, timestamp, nonce, encrypted);
  }
}

export function timestampOf(query: URLSearchParams): string {
  return query.get("timestamp") ?? "";
}

export function nonceOf(query: URLSearchParams): string {
  return query.get("nonce") ?? "";
}

function isEncrypted(query: URLSearchParams): boolean {
  return query.get("encrypt_type") === "aes";
}
