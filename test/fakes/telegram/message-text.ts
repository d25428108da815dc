import { badRequest } from "./bot-api-error.ts";
import { checkEntities, type FormattedText, trimFormatted } from "./entities.ts";
import { parseHtml } from "./html-mode.ts";
import { parseMarkdownV2 } from "./markdown-v2.ts";
import type { Parameters } from "./parameters.ts";

const TEXT_LENGTH_MAX = 4096;
const CAPTION_LENGTH_MAX = 1024;
const RICH_LENGTH_MAX = 32_768;

/** The text of a message to send or edit, checked as Telegram checks it. */
export function readText(parameters: Parameters, tooLong: string): FormattedText {
  const text = parameters.text ?? "";
  if (text === "") throw badRequest("message text is empty");
  const formatted = readFormatted(String(text), parameters.parse_mode, parameters.entities);
  if (formatted.text === "") throw badRequest("text must be non-empty");
  if (formatted.text.length > TEXT_LENGTH_MAX) throw badRequest(tooLong);
  checkPreview(parameters.link_preview_options);
  return formatted;
}

export function readCaption(parameters: Parameters): FormattedText {
  const { caption = "", parse_mode: mode, caption_entities: entities } = parameters;
  const formatted = readFormatted(String(caption), mode, entities);
  if (formatted.text.length > CAPTION_LENGTH_MAX) {
    throw badRequest("message caption is too long");
  }
  return formatted;
}

/** The Markdown of a rich message. */
export function readRich(rich: unknown): string {
  const { markdown, ...more } = rich as Record<string, unknown>;
  const [other] = Object.keys(more);
  if (other !== undefined) throw badRequest(`rich message has unsupported field "${other}"`);
  if (typeof markdown !== "string") throw badRequest("rich message content is not specified");
  if (markdown.trim() === "") throw badRequest("rich message must be non-empty");
  if (markdown.length > RICH_LENGTH_MAX) throw badRequest("RICH_MESSAGE_TOO_LONG");
  return markdown;
}

function readFormatted(text: string, mode: unknown, entities: unknown): FormattedText {
  if (mode !== undefined) {
    switch (String(mode).toLowerCase()) {
      case "markdownv2":
        return checked(parseMarkdownV2(text));
      case "html":
        return checked(parseHtml(text));
      default:
        throw badRequest("unsupported parse_mode");
    }
  }
  return checked({ text, entities: (entities ?? []) as FormattedText["entities"] });
}

function checked({ text, entities }: FormattedText): FormattedText {
  checkEntities(text, entities);
  return trimFormatted({ text, entities });
}

const PREVIEW_FIELDS = [
  "is_disabled",
  "url",
  "prefer_small_media",
  "prefer_large_media",
  "show_above_text",
];

function checkPreview(options: unknown): void {
  if (options === undefined) return;
  for (const [field, value] of Object.entries(options as object)) {
    if (!PREVIEW_FIELDS.includes(field)) {
      throw badRequest(`link_preview_options has unknown field "${field}"`);
    }
    if (field !== "url" && typeof value !== "boolean") {
      throw badRequest(`field "${field}" must be of type Boolean`);
    }
  }
}
