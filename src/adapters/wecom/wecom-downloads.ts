import { OutsideError, UserError } from "../../core/errors.ts";
import type { WecomFiles } from "./wecom-attachment.ts";
import { WECOM } from "./wecom-errors.ts";
import { loadWecomLibrary } from "./wecom-library.ts";
import type { WecomFile } from "./wecom-payload.ts";

const DOWNLOAD_TIMEOUT_MS = 30_000;
const DESCRIBE_TIMEOUT_MS = 5_000;
// Filled up to a multiple of 32 bytes.
// https://developer.work.weixin.qq.com/document/path/101463
const PADDING_BYTES_MAX = 32;
const BYTES_PER_MEGABYTE = 1_000_000;

/**
 * Fetches files by the addresses WeCom gives. The client library would read a file of any size
 * into memory, so only its decryption is used.
 */
export class WecomDownloads implements WecomFiles {
  async describe({ url }: WecomFile): Promise<{ name: string; sizeBytes: number } | null> {
    try {
      // The address is signed for GET alone, so the body is left unread.
      const response = await open(url, AbortSignal.timeout(DESCRIBE_TIMEOUT_MS));
      await response.body?.cancel();
      const length = Number(response.headers.get("content-length") ?? 0);
      return {
        name: fileName(response.headers.get("content-disposition") ?? ""),
        sizeBytes: Math.max(0, length - PADDING_BYTES_MAX),
      };
    } catch {
      return null;
    }
  }

  async load({ url, aeskey }: WecomFile, sizeBytesMax: number): Promise<Uint8Array> {
    const signal = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    let bytes: Buffer;
    try {
      const response = await open(url, signal);
      bytes = await readAtMost(response, sizeBytesMax);
    } catch (error) {
      if (error instanceof OutsideError || error instanceof UserError) throw error;
      throw new OutsideError(WECOM, signal.aborted ? "timeout" : "unreachable");
    }
    const content = aeskey === undefined ? bytes : await decrypt(bytes, aeskey);
    if (content.length > sizeBytesMax) throw tooLarge(sizeBytesMax);
    return content;
  }
}

async function open(url: string, signal: AbortSignal): Promise<Response> {
  if (!/^https?:\/\//.test(url)) throw new OutsideError(WECOM, "rejected");
  // A redirection could lead anywhere, into our own network too.
  const response = await fetch(url, { signal, redirect: "error" });
  if (response.ok) return response;
  await response.body?.cancel();
  throw new OutsideError(WECOM, response.status >= 500 ? "overloaded" : "rejected");
}

async function readAtMost({ body }: Response, sizeBytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax + PADDING_BYTES_MAX) throw tooLarge(sizeBytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function decrypt(bytes: Buffer, aeskey: string): Promise<Buffer> {
  const { decryptFile } = await loadWecomLibrary();
  try {
    return decryptFile(bytes, aeskey);
  } catch {
    // The library's error could be told by its text alone; there is nothing more to it.
    throw new OutsideError(WECOM, "rejected");
  }
}

function tooLarge(sizeBytesMax: number): UserError {
  const megabytes = Math.floor(sizeBytesMax / BYTES_PER_MEGABYTE);
  return new UserError("attachment_too_large", { megabytes });
}

/** https://www.rfc-editor.org/rfc/rfc6266 */
function fileName(disposition: string): string {
  const encoded = /filename\*=UTF-8''([^;\s]+)/i.exec(disposition)?.[1];
  const plain = /filename="([^"]+)"|filename=([^";\s]+)/i.exec(disposition);
  const name = encoded ?? plain?.[1] ?? plain?.[2] ?? "file";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
