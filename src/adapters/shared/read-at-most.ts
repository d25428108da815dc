import { UserError } from "../../core/errors.ts";

/** Throws `UserError("attachment_too_large")` as soon as there is more. */
export async function readAtMost(
  body: ReadableStream<Uint8Array>,
  sizeBytesMax: number,
): Promise<Uint8Array> {
  const bytes = await collect(body, sizeBytesMax);
  if (bytes === null) throw new UserError("attachment_too_large", { sizeBytesMax });
  return bytes;
}

/** The body of a request as text; `null` when it is, or says that it is, longer than allowed. */
export async function readText(request: Request, sizeBytesMax: number): Promise<string | null> {
  if (Number(request.headers.get("content-length") ?? 0) > sizeBytesMax) return null;
  if (request.body === null) return "";
  const bytes = await collect(request.body, sizeBytesMax);
  return bytes?.toString("utf8") ?? null;
}

async function collect(
  body: ReadableStream<Uint8Array>,
  sizeBytesMax: number,
): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
