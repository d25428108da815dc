import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { UserError } from "../../core/errors.ts";
import { kindOfFile, plainMediaType } from "../shared/file-kind.ts";
import type { PostedMessage } from "./web-requests.ts";

/** What a person sent along, as the core reads it. */
export function toIncomingAttachment(
  posted: PostedMessage["attachments"][number],
): IncomingAttachment {
  const mediaType = plainMediaType(posted.mediaType);
  const sizeBytes = Buffer.byteLength(posted.base64, "base64");
  return {
    kind: kindOfFile(mediaType, posted.name),
    name: posted.name,
    mediaType,
    sizeBytes,
    load: async (sizeBytesMax) => {
      if (sizeBytes > sizeBytesMax) throw new UserError("attachment_too_large", { sizeBytesMax });
      return Uint8Array.from(Buffer.from(posted.base64, "base64"));
    },
  };
}
