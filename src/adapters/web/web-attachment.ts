import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { UserError } from "../../core/errors.ts";
import type { PostedMessage } from "./web-requests.ts";

const TEXT_MEDIA_TYPE = /^(text\/|application\/(json|xml|yaml|x-yaml|toml|javascript|sql))/;
const IMAGE_MEDIA_TYPE = /^image\/(png|jpeg|webp|gif)$/;

/** What a person sent along, as the core reads it. */
export function toIncomingAttachment(
  posted: PostedMessage["attachments"][number],
): IncomingAttachment {
  const mediaType = posted.mediaType.split(";")[0]?.trim().toLowerCase() ?? "";
  const sizeBytes = Buffer.byteLength(posted.base64, "base64");
  return {
    kind: kindOf(mediaType),
    name: posted.name,
    mediaType,
    sizeBytes,
    load: async (sizeBytesMax) => {
      if (sizeBytes > sizeBytesMax) throw new UserError("attachment_too_large", { sizeBytesMax });
      return Uint8Array.from(Buffer.from(posted.base64, "base64"));
    },
  };
}

function kindOf(mediaType: string): IncomingAttachment["kind"] {
  if (IMAGE_MEDIA_TYPE.test(mediaType)) return "image";
  return TEXT_MEDIA_TYPE.test(mediaType) ? "text" : "other";
}
