import type { IncomingAttachment, IncomingMessage } from "./chat/incoming-message.ts";
import type { ChatSettings } from "./chat-settings.ts";
import { UserError } from "./errors.ts";
import type { Model } from "./upstream/model-catalog.ts";
import type { TurnImage } from "./upstream/upstream.ts";

const IMAGES_MAX = 8;
/** What models take (https://platform.openai.com/docs/guides/images-vision). */
const IMAGE_TYPES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
]);

export interface ReadQuestion {
  readonly text: string;
  readonly images: readonly TurnImage[];
}

/**
 * The question a message asks: its text, what it quotes, its text files, its pictures. Throws
 * `UserError` for what cannot be answered, before anything is fetched that is not needed.
 */
export async function readQuestion(
  message: IncomingMessage,
  text: string,
  model: Model,
  settings: ChatSettings,
): Promise<ReadQuestion> {
  const images: TurnImage[] = [];
  const parts = message.quotedText === null ? [] : [quote(message.quotedText)];
  parts.push(text.trim());
  for (const attachment of message.attachments) {
    if (attachment.kind === "image") images.push(await readImage(attachment, model, settings));
    else parts.push(await readTextFile(attachment, settings));
  }
  const whole = parts.filter((part) => part !== "").join("\n\n");
  // Text that shows nothing, such as zero-width characters alone, is no question.
  if (images.length === 0 && !/[^\p{C}\p{Z}]/u.test(whole)) throw new UserError("message_empty");
  if (whole.length > settings.questionLengthMax) {
    throw new UserError("message_too_long", {
      length: whole.length,
      lengthMax: settings.questionLengthMax,
    });
  }
  return { text: whole, images: images.slice(0, IMAGES_MAX) };
}

async function readImage(
  attachment: IncomingAttachment,
  model: Model,
  settings: ChatSettings,
): Promise<TurnImage> {
  if (!model.images) throw new UserError("image_not_supported", { model: model.name });
  if (!IMAGE_TYPES.has(attachment.mediaType)) throw notSupported(attachment);
  const bytes = await load(attachment, settings);
  if (!isPicture(bytes)) throw notSupported(attachment);
  return { mediaType: attachment.mediaType, bytes };
}

async function readTextFile(
  attachment: IncomingAttachment,
  settings: ChatSettings,
): Promise<string> {
  if (attachment.kind === "other") throw notSupported(attachment);
  const bytes = await load(attachment, settings);
  try {
    const content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (content.includes("\0") || content.trim() === "") throw notSupported(attachment);
    return `${attachment.name}:\n\`\`\`\n${content.trim()}\n\`\`\``;
  } catch {
    throw notSupported(attachment);
  }
}

/** PNG, JPEG, GIF and WebP begin like this; anything else would be paid for and not be seen. */
function isPicture(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  return (
    start.startsWith("\x89PNG\r\n\x1a\n") ||
    start.startsWith("\xff\xd8\xff") ||
    start.startsWith("GIF8") ||
    (start.startsWith("RIFF") && start.endsWith("WEBP"))
  );
}

async function load(attachment: IncomingAttachment, settings: ChatSettings): Promise<Uint8Array> {
  const { attachmentBytesMax } = settings;
  if (attachment.sizeBytes > attachmentBytesMax) throw tooLarge(attachmentBytesMax);
  const bytes = await attachment.load(attachmentBytesMax).catch((error: unknown) => {
    // The adapter knows that it is too large, not how the person is told.
    const isTooLarge = error instanceof UserError && error.code === "attachment_too_large";
    throw isTooLarge ? tooLarge(attachmentBytesMax) : error;
  });
  if (bytes.byteLength > attachmentBytesMax) throw tooLarge(attachmentBytesMax);
  return bytes;
}

function tooLarge(attachmentBytesMax: number): UserError {
  return new UserError("attachment_too_large", {
    megabytes: Math.floor(attachmentBytesMax / 1_000_000),
  });
}

function notSupported(attachment: IncomingAttachment): UserError {
  return new UserError("attachment_not_supported", { name: attachment.name.slice(0, 60) });
}

function quote(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}
