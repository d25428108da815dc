import type { FileBoxInterface } from "file-box";
import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import { isTextName, UNKNOWN_MEDIA_TYPE } from "../shared/file-kind.ts";
import { WECHAT } from "./wechat-errors.ts";
import type { WechatMessage } from "./wechat-event.ts";

const IMAGE_SUFFIXES = [
  [/\.png$/i, "image/png"],
  [/\.gif$/i, "image/gif"],
  [/\.webp$/i, "image/webp"],
  [/\.jpe?g$/i, "image/jpeg"],
] as const;

/** Fetches the file of a message; throws as `IncomingAttachment.load` does. */
export type LoadFile = (event: WechatMessage, sizeBytesMax: number) => Promise<Uint8Array>;

/** The file of a message. What we cannot use is there as "other", so that we can say so. */
export function attachmentsOf(event: WechatMessage, load: LoadFile): IncomingAttachment[] {
  const { file } = event;
  if (file === null) return [];
  const common = {
    name: file.name,
    // No puppet tells before the file is fetched.
    sizeBytes: 0,
    load: (sizeBytesMax: number) => load(event, sizeBytesMax),
  };
  const imageType = IMAGE_SUFFIXES.find(([suffix]) => suffix.test(file.name))?.[1];
  if (file.kind === "image") {
    return [{ ...common, kind: "image", mediaType: imageType ?? "image/jpeg" }];
  }
  if (file.kind === "file") {
    if (imageType !== undefined) return [{ ...common, kind: "image", mediaType: imageType }];
    if (isTextName(file.name)) return [{ ...common, kind: "text", mediaType: "text/plain" }];
    return [{ ...common, kind: "other", mediaType: UNKNOWN_MEDIA_TYPE }];
  }
  const refuse = () => Promise.reject(new OutsideError(WECHAT, "rejected"));
  return [{ ...common, kind: "other", mediaType: UNKNOWN_MEDIA_TYPE, load: refuse }];
}

/** Reads a box as it comes, and no further than allowed. */
export async function readFileBox(
  box: FileBoxInterface,
  sizeBytesMax: number,
): Promise<Uint8Array> {
  if (box.size > sizeBytesMax) throw new UserError("attachment_too_large", { sizeBytesMax });
  const stream = await box.toStream();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Uint8Array);
    sizeBytes += bytes.length;
    // Leaving the loop destroys the stream.
    if (sizeBytes > sizeBytesMax) throw new UserError("attachment_too_large", { sizeBytesMax });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
