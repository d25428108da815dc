import { createCipheriv, randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

const BLOCK_BYTES = 32;

/** Where people's files lie, encrypted as WeCom does. */
export class WecomShelf {
  readonly #files = new Map<string, { readonly name: string | null; readonly bytes: Buffer }>();
  /** How often a file was asked for. */
  requests = 0;

  /** Returns the path of the file and the key it is read with. */
  add(content: Buffer, name: string | null): { readonly path: string; readonly aeskey: string } {
    const key = randomBytes(32);
    const padding = BLOCK_BYTES - (content.length % BLOCK_BYTES);
    const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16));
    cipher.setAutoPadding(false);
    const padded = Buffer.concat([content, Buffer.alloc(padding, padding)]);
    const path = `/${randomUUID()}`;
    this.#files.set(path, { name, bytes: Buffer.concat([cipher.update(padded), cipher.final()]) });
    return { path, aeskey: key.toString("base64") };
  }

  /** After five minutes an address leads nowhere. */
  clear(): void {
    this.#files.clear();
  }

  serve({ url }: IncomingMessage, response: ServerResponse): void {
    this.requests += 1;
    const file = this.#files.get(url ?? "");
    if (file === undefined) {
      response.writeHead(403).end();
      return;
    }
    const { name, bytes } = file;
    response.writeHead(200, {
      "content-length": bytes.length,
      ...(name !== null && {
        "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      }),
    });
    response.end(bytes);
  }
}
