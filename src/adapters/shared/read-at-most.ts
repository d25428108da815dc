import { UserError } from "../../core/errors.ts";

/** Throws `UserError("attachment_too_large")` as soon as there is more. */
export async function readAtMost(
  body: ReadableStream<Uint8Array>,
  sizeBytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax) throw new UserError("attachment_too_large", { sizeBytesMax });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
