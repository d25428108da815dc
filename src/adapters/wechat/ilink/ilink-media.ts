import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { OutsideError, UserError } from "../../../core/errors.ts";
import { readAtMost } from "../../shared/read-at-most.ts";
import { WECHAT } from "../wechat-errors.ts";
import type { IlinkMedia } from "./ilink-answers.ts";
import { unanswered } from "./ilink-errors.ts";
import { isTrustedAddress } from "./ilink-origin.ts";

/** Where Tencent's own client finds files. */
const TENCENT_CDN_URL = "https://novac2c.cdn.weixin.qq.com/c2c";
const CIPHER = "aes-128-ecb";
const KEY_BYTES = 16;
const TRANSFER_TIMEOUT_MS = 60_000;
const UPLOAD_ATTEMPTS = 3;

/** A file made ready to be uploaded. */
export interface SealedFile {
  readonly fileKey: string;
  readonly key: Buffer;
  readonly plainBytes: number;
  readonly plainMd5: string;
  readonly sealed: Buffer;
}

/** Files lie enciphered on the CDN, each with a key of its own that comes with the message. */
export class IlinkMediaStore {
  readonly #baseUrl: string;
  readonly #cdnUrl: string;

  /** A server of our own serves its files itself, under "/c2c". */
  constructor(baseUrl: string, isTencent: boolean) {
    this.#baseUrl = baseUrl;
    this.#cdnUrl = isTencent ? TENCENT_CDN_URL : `${baseUrl.replace(/\/+$/, "")}/c2c`;
  }

  /** Throws `OutsideError`, or `UserError("attachment_too_large")` when it is longer than allowed. */
  async download(media: IlinkMedia, hexKey: string, sizeBytesMax: number): Promise<Buffer> {
    const key = readKey(media, hexKey);
    const timeout = AbortSignal.timeout(TRANSFER_TIMEOUT_MS);
    try {
      const address = this.#downloadAddress(media);
      const response = await fetch(address, { signal: timeout, redirect: "error" });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new OutsideError(WECHAT, response.status >= 500 ? "overloaded" : "rejected");
      }
      // A last block of padding comes on top of the file.
      const sealed = await readAtMost(response.body, sizeBytesMax + KEY_BYTES);
      const plain = key === null ? Buffer.from(sealed) : decipher(sealed, key);
      if (plain.length > sizeBytesMax)
        throw new UserError("attachment_too_large", { sizeBytesMax });
      return plain;
    } catch (error) {
      if (error instanceof OutsideError || error instanceof UserError) throw error;
      throw unanswered(timeout, error);
    }
  }

  /** Resolves with what a message must say so that the file can be downloaded. */
  async upload(file: SealedFile, uploadParam: string, fullUrl: string): Promise<string> {
    const query = new URLSearchParams({
      encrypted_query_param: uploadParam,
      filekey: file.fileKey,
    });
    const isTrusted = fullUrl !== "" && isTrustedAddress(fullUrl, this.#baseUrl);
    const address = isTrusted ? fullUrl : `${this.#cdnUrl}/upload?${query}`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await uploadOnce(address, file.sealed);
      } catch (error) {
        const mayRetry = error instanceof OutsideError && error.retryable;
        if (!mayRetry || attempt >= UPLOAD_ATTEMPTS) throw error;
      }
    }
  }

  #downloadAddress({ full_url: fullUrl, encrypt_query_param: parameter }: IlinkMedia): string {
    if (fullUrl !== "" && isTrustedAddress(fullUrl, this.#baseUrl)) return fullUrl;
    if (parameter === "") throw new OutsideError(WECHAT, "rejected");
    return `${this.#cdnUrl}/download?${new URLSearchParams({ encrypted_query_param: parameter })}`;
  }
}

export function sealFile(content: Buffer): SealedFile {
  const key = randomBytes(KEY_BYTES);
  const cipher = createCipheriv(CIPHER, key, null);
  return {
    fileKey: randomBytes(16).toString("hex"),
    key,
    plainBytes: content.length,
    plainMd5: createHash("md5").update(content).digest("hex"),
    sealed: Buffer.concat([cipher.update(content), cipher.final()]),
  };
}

/** `null`: the file is not enciphered. */
function readKey(media: IlinkMedia, hexKey: string): Buffer | null {
  if (HEX_KEY.test(hexKey)) return Buffer.from(hexKey, "hex");
  if (media.aes_key === "") return null;
  const decoded = Buffer.from(media.aes_key, "base64");
  if (decoded.length === KEY_BYTES) return decoded;
  const text = decoded.toString("latin1");
  if (HEX_KEY.test(text)) return Buffer.from(text, "hex");
  throw new OutsideError(WECHAT, "rejected", { cause: new Error("unreadable media key") });
}

const HEX_KEY = /^[0-9a-fA-F]{32}$/;

function decipher(sealed: Uint8Array, key: Buffer): Buffer {
  const opener = createDecipheriv(CIPHER, key, null);
  try {
    return Buffer.concat([opener.update(sealed), opener.final()]);
  } catch {
    throw new OutsideError(WECHAT, "rejected", { cause: new Error("media does not decipher") });
  }
}

async function uploadOnce(address: string, sealed: Buffer): Promise<string> {
  const timeout = AbortSignal.timeout(TRANSFER_TIMEOUT_MS);
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: new Uint8Array(sealed),
      redirect: "error",
      signal: timeout,
    });
    await response.body?.cancel();
    const parameter = response.headers.get("x-encrypted-param");
    if (response.ok && parameter !== null) return parameter;
    throw new OutsideError(WECHAT, response.status >= 500 ? "overloaded" : "rejected");
  } catch (error) {
    if (error instanceof OutsideError) throw error;
    throw unanswered(timeout, error);
  }
}
