import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";
import { OutsideError } from "../../core/errors.ts";
import { isTextName, UNKNOWN_MEDIA_TYPE } from "../shared/file-kind.ts";
import { WECOM } from "./wecom-errors.ts";
import type { WecomContent, WecomFile } from "./wecom-payload.ts";

/** Fetches what came with a message. */
export interface WecomFiles {
  /** Asks for the name and the size only; never throws. `null` when they cannot be had. */
  describe(file: WecomFile): Promise<{ readonly name: string; readonly sizeBytes: number } | null>;
  /** The file, decrypted. Throws as `IncomingAttachment.load` does. */
  load(file: WecomFile, sizeBytesMax: number): Promise<Uint8Array>;
}

/** The files of one message. What we cannot use is there as "other", so that we can say so. */
export async function attachmentsOf(
  content: WecomContent,
  files: WecomFiles,
): Promise<IncomingAttachment[]> {
  const { msgtype, image, file, video, mixed, text, voice } = content;
  const images = [image, ...(mixed?.msg_item ?? []).map((item) => item.image)];
  const found: IncomingAttachment[] = images.flatMap((picture) =>
    picture === undefined ? [] : new WecomImage(picture, files),
  );
  if (file !== undefined) found.push(await fileAttachment(file, files));
  if (video !== undefined) found.push(unusable("video"));
  const isUnknown = found.length === 0 && [text, voice, mixed].every((part) => part === undefined);
  return isUnknown ? [unusable(msgtype)] : found;
}

/** A picture. What kind it is shows only in its first bytes. */
class WecomImage implements IncomingAttachment {
  readonly kind = "image";
  readonly name = "image";
  readonly sizeBytes = 0;
  readonly #file: WecomFile;
  readonly #files: WecomFiles;
  #mediaType = "image/jpeg";

  constructor(file: WecomFile, files: WecomFiles) {
    this.#file = file;
    this.#files = files;
  }

  /** A guess until it is loaded. */
  get mediaType(): string {
    return this.#mediaType;
  }

  async load(sizeBytesMax: number): Promise<Uint8Array> {
    const bytes = await this.#files.load(this.#file, sizeBytesMax);
    this.#mediaType = mediaTypeOf(bytes) ?? this.#mediaType;
    return bytes;
  }
}

async function fileAttachment(file: WecomFile, files: WecomFiles): Promise<IncomingAttachment> {
  const description = await files.describe(file);
  if (description === null) return unusable("file");
  const { name, sizeBytes } = description;
  return {
    kind: isTextName(name) ? "text" : "other",
    name,
    mediaType: UNKNOWN_MEDIA_TYPE,
    sizeBytes,
    load: (sizeBytesMax) => files.load(file, sizeBytesMax),
  };
}

function unusable(name: string): IncomingAttachment {
  return {
    kind: "other",
    name,
    mediaType: UNKNOWN_MEDIA_TYPE,
    sizeBytes: 0,
    load: () => Promise.reject(new OutsideError(WECOM, "rejected")),
  };
}

function mediaTypeOf(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (start.startsWith("\x89PNG")) return "image/png";
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("GIF8")) return "image/gif";
  return start.startsWith("RIFF") && start.endsWith("WEBP") ? "image/webp" : null;
}
