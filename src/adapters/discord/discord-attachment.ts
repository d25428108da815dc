import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import { DISCORD } from "./discord-errors.ts";
import type { DiscordAttachment, DiscordMessage } from "./discord-payload.ts";

const UNKNOWN_MEDIA_TYPE = "application/octet-stream";
const IMAGE_MEDIA_TYPES = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
const TEXT_MEDIA_TYPE =
  /^text\/|^application\/(json|xml|yaml|x-yaml|toml|sql|javascript|typescript|x-sh|x-python|x-httpd-php|x-tex)$|\+(json|xml)$/;
const TEXT_SUFFIX =
  /\.(txt|md|markdown|rst|log|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|env|xml|html?|css|scss|less|svg|[cm]?[jt]sx?|vue|svelte|py|ipynb|rb|php|java|kt|kts|scala|groovy|gradle|c|h|cc|cpp|cxx|hpp|cs|fs|go|rs|swift|m|mm|dart|lua|pl|r|jl|ex|exs|erl|hs|clj|sql|sh|bash|zsh|fish|ps1|bat|tex|bib|srt|vtt|diff|patch|proto|graphql|tf|dockerfile|makefile)$/i;

/** Fetches a file by the address Discord gave; throws as `IncomingAttachment.load` does. */
export type LoadFile = (url: string, sizeBytesMax: number) => Promise<Uint8Array>;

/** The files of one message. What we cannot use is there as "other", so that we can say so. */
export function attachmentsOf(message: DiscordMessage, load: LoadFile): IncomingAttachment[] {
  const stickers = (message.sticker_items ?? []).map(({ name }) => withoutFile(name));
  const polls = message.poll === undefined ? [] : [withoutFile("poll")];
  return [...message.attachments.map((file) => attachment(file, load)), ...stickers, ...polls];
}

function attachment(file: DiscordAttachment, load: LoadFile): IncomingAttachment {
  const mediaType = (file.content_type ?? "").toLowerCase().split(";")[0]?.trim() ?? "";
  return {
    kind: kindOf(mediaType, file.filename),
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

function kindOf(mediaType: string, name: string): IncomingAttachment["kind"] {
  if (IMAGE_MEDIA_TYPES.has(mediaType)) return "image";
  return TEXT_MEDIA_TYPE.test(mediaType) || TEXT_SUFFIX.test(name) ? "text" : "other";
}
