import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import { kindOfFile, UNKNOWN_MEDIA_TYPE } from "../shared/file-kind.ts";
import { TELEGRAM } from "./telegram-api.ts";
import type { TelegramFile, TelegramMessage } from "./telegram-update.ts";

// https://core.telegram.org/bots/api#getfile: bots can download files of up to 20 MB.
const DOWNLOAD_SIZE_BYTES_MAX = 20_000_000;

const FILE_KINDS = [
  // Before "document": an animation comes with both.
  "animation",
  "audio",
  "sticker",
  "video",
  "video_note",
  "voice",
] as const;

const OTHER_KINDS = [
  "checklist",
  "contact",
  "dice",
  "game",
  "location",
  "paid_media",
  "poll",
  "rich_message",
  "story",
] as const;

/** Fetches a file's bytes; throws as `IncomingAttachment.load` does. */
export type LoadFile = (fileId: string, sizeBytesMax: number) => Promise<Uint8Array>;

/** Neither text nor media: somebody joined, the title changed, a message was pinned … */
export function isServiceMessage(message: TelegramMessage): boolean {
  const kinds = ["text", "photo", "document", ...FILE_KINDS, ...OTHER_KINDS] as const;
  return kinds.every((kind) => message[kind] === undefined);
}

/** The files of one message. What we cannot use is there as "other", so that we can say so. */
export function attachmentsOf(message: TelegramMessage, load: LoadFile): IncomingAttachment[] {
  if (message.photo !== undefined) return photo(message.photo, load);
  for (const kind of FILE_KINDS) {
    const file = message[kind];
    if (file !== undefined) return [attachment("other", file, kind, load)];
  }
  if (message.document !== undefined) {
    const { mime_type: mediaType = "", file_name: name = "" } = message.document;
    return [attachment(kindOfFile(mediaType, name), message.document, "document", load)];
  }
  return OTHER_KINDS.filter((kind) => message[kind] !== undefined).map(withoutFile);
}

function photo(sizes: readonly TelegramFile[], load: LoadFile): IncomingAttachment[] {
  const largestFirst = [...sizes].sort((a, b) => (b.file_size ?? 0) - (a.file_size ?? 0));
  const [largest] = largestFirst;
  if (largest === undefined) return [];
  return [
    {
      kind: "image",
      name: "photo.jpg",
      mediaType: "image/jpeg",
      sizeBytes: largest.file_size ?? 0,
      async load(sizeBytesMax) {
        // Telegram keeps every photo in several sizes: a smaller one is better than none.
        const size = largestFirst.find((file) => (file.file_size ?? 0) <= sizeBytesMax);
        if (size === undefined) throw new UserError("attachment_too_large", { sizeBytesMax });
        return await load(size.file_id, sizeBytesMax);
      },
    },
  ];
}

function attachment(
  kind: IncomingAttachment["kind"],
  file: TelegramFile,
  fallbackName: string,
  load: LoadFile,
): IncomingAttachment {
  const sizeBytes = file.file_size ?? 0;
  return {
    kind,
    name: file.file_name ?? fallbackName,
    mediaType: file.mime_type ?? UNKNOWN_MEDIA_TYPE,
    sizeBytes,
    async load(sizeBytesMax) {
      if (sizeBytes > Math.min(sizeBytesMax, DOWNLOAD_SIZE_BYTES_MAX)) {
        throw new UserError("attachment_too_large", { sizeBytesMax });
      }
      return await load(file.file_id, sizeBytesMax);
    },
  };
}

function withoutFile(name: string): IncomingAttachment {
  return {
    kind: "other",
    name,
    mediaType: UNKNOWN_MEDIA_TYPE,
    sizeBytes: 0,
    load: () => Promise.reject(new OutsideError(TELEGRAM, "rejected")),
  };
}
