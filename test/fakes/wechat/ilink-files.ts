import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

interface PromisedUpload {
  readonly key: Buffer;
  readonly plainBytes: number;
  readonly sealedBytes: number;
  readonly md5: string;
}

export interface IlinkFileReference {
  readonly encrypt_query_param: string;
  readonly aes_key: string;
}

/** The CDN: enciphered files under a parameter that nobody can guess. */
export class IlinkFiles {
  readonly #uploads = new Map<string, PromisedUpload>();
  readonly #sealed = new Map<string, Buffer>();

  /** A file of a person. Resolves with what a message says about it. */
  put(content: Buffer, kind: "image" | "file"): IlinkFileReference {
    const key = randomBytes(16);
    const cipher = createCipheriv("aes-128-ecb", key, null);
    const parameter = this.#store(Buffer.concat([cipher.update(content), cipher.final()]));
    // Pictures carry the bytes of the key, files its hexadecimal digits.
    const carried = kind === "image" ? key : Buffer.from(key.toString("hex"));
    return { encrypt_query_param: parameter, aes_key: carried.toString("base64") };
  }

  get(parameter: string): Buffer | null {
    return this.#sealed.get(parameter) ?? null;
  }

  promise(upload: PromisedUpload & { readonly fileKey: string }): string {
    const parameter = randomBytes(12).toString("base64");
    this.#uploads.set(`${parameter} ${upload.fileKey}`, upload);
    return parameter;
  }

  /** `null` when it is not what was promised. */
  receive(parameter: string, fileKey: string, sealed: Buffer): string | null {
    const upload = this.#uploads.get(`${parameter} ${fileKey}`);
    if (upload === undefined || sealed.length !== upload.sealedBytes) return null;
    const plain = decipher(sealed, upload.key);
    const isWhole = createHash("md5").update(plain).digest("hex") === upload.md5;
    return isWhole && plain.length === upload.plainBytes ? this.#store(sealed) : null;
  }

  /** What a phone shows of a file that a message speaks of; `null` when there is none. */
  open(parameter: string, carriedKey: string): Buffer | null {
    const sealed = this.get(parameter);
    if (sealed === null) return null;
    return decipher(sealed, Buffer.from(Buffer.from(carriedKey, "base64").toString(), "hex"));
  }

  #store(sealed: Buffer): string {
    const parameter = randomBytes(12).toString("base64");
    this.#sealed.set(parameter, sealed);
    return parameter;
  }
}

function decipher(sealed: Buffer, key: Buffer): Buffer {
  const opener = createDecipheriv("aes-128-ecb", key, null);
  return Buffer.concat([opener.update(sealed), opener.final()]);
}
