import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import { TELEGRAM } from "./telegram-api.ts";
import type { TelegramFile, TelegramMessage } from "./telegram-update.ts";

// https://core.telegram.org/bots/api#getfile: bots can download files of up to 20 MB.
const DOWNLOAD_SIZE_BYTES_MAX = 20_000_000;

const UNKNOWN_MEDIA_TYPE = "application/octet-stream";
const IMAGE_MEDIA_TYPES = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
const TEXT_MEDIA_TYPE =
  /^text\/|^application\/(json|xml|yaml|x-yaml|toml|sql|javascript|typescript|x-sh|x-python|x-httpd-php|x-tex)$|\+(json|xml)$/;
const TEXT_SUFFIX =
  /\.(txt|md|markdown|rst|log|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|env|xml|html?|css|scss|less|svg|[cm]?[jt]sx?|vue|svelte|py|ipynb|rb|php|java|kt|kts|scala|groovy|gradle|c|h|cc|cpp|cxx|hpp|cs|fs|go|rs|swift|m|mm|dart|lua|pl|r|jl|ex|exs|erl|hs|clj|sql|sh|bash|zsh|fish|ps1|bat|tex|bib|srt|vtt|diff|patch|proto|graphql|tf|dockerfile|makefile)$/i;

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
    return [attachment(kindOfDocument(message.document), message.document, "document", load)];
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

function kindOfDocument(file: TelegramFile): IncomingAttachment["kind"] {
  const mediaType = (file.mime_type ?? "").toLowerCase().split(";")[0]?.trim() ?? "";
  if (IMAGE_MEDIA_TYPES.has(mediaType)) return "image";
  const isText = TEXT_MEDIA_TYPE.test(mediaType) || TEXT_SUFFIX.test(file.file_name ?? "");
  return isText ? "text" : "other";
}
