import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import { kindOfFile, plainMediaType, UNKNOWN_MEDIA_TYPE } from "../shared/file-kind.ts";
import { DISCORD } from "./discord-errors.ts";
import type { DiscordAttachment, DiscordMessage } from "./discord-payload.ts";

/** Fetches a file by the address Discord gave; throws as `IncomingAttachment.load` does. */
export type LoadFile = (url: string, sizeBytesMax: number) => Promise<Uint8Array>;

/** The files of one message. What we cannot use is there as "other", so that we can say so. */
export function attachmentsOf(message: DiscordMessage, load: LoadFile): IncomingAttachment[] {
  const stickers = (message.sticker_items ?? []).map(({ name }) => withoutFile(name));
  const polls = message.poll === undefined ? [] : [withoutFile("poll")];
  return [...message.attachments.map((file) => attachment(file, load)), ...stickers, ...polls];
}

function attachment(file: DiscordAttachment, load: LoadFile): IncomingAttachment {
  const mediaType = plainMediaType(file.content_type ?? "");
  return {
    kind: kindOfFile(mediaType, file.filename),
    name: file.filename,
    mediaType: mediaType === "" ? UNKNOWN_MEDIA_TYPE : mediaType,
    sizeBytes: file.size,
    async load(sizeBytesMax) {
      if (file.size > sizeBytesMax) throw new UserError("attachment_too_large", { sizeBytesMax });
      if (!/^https?:\/\//.test(file.url)) throw new OutsideError(DISCORD, "rejected");
      return await load(file.url, sizeBytesMax);
    },
  };
}

function withoutFile(name: string): IncomingAttachment {
  return {
    kind: "other",
    name,
    mediaType: UNKNOWN_MEDIA_TYPE,
    sizeBytes: 0,
    load: () => Promise.reject(new OutsideError(DISCORD, "rejected")),
  };
}
