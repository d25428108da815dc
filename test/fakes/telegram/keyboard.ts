import { badRequest } from "./bot-api-error.ts";

export interface Button {
  readonly text: string;
  readonly callback_data?: string;
  readonly url?: string;
}

const BUTTON_FIELDS = new Set(["text", "callback_data", "url", "style"]);
const CALLBACK_DATA_BYTES_MAX = 64;
const ROW_LENGTH_MAX = 8;
const BUTTONS_MAX = 100;

/** The rows of an inline keyboard; throws for any other markup and for buttons that are wrong. */
export function parseKeyboard(markup: unknown): Button[][] | null {
  if (markup === undefined) return null;
  if (typeof markup !== "object" || markup === null) {
    throw badRequest("object expected as reply markup");
  }
  const { inline_keyboard: rows, ...more } = markup as Record<string, unknown>;
  if (!Array.isArray(rows)) throw badRequest('field "inline_keyboard" must be of type Array');
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw badRequest(`reply markup has unknown field "${unknown}"`);
  const buttons = rows.map((row: unknown) => {
    if (!Array.isArray(row)) {
      throw badRequest('field "inline_keyboard" must be an Array of Arrays');
    }
    if (row.length > ROW_LENGTH_MAX) throw badRequest("REPLY_MARKUP_TOO_LONG");
    return row.map(parseButton);
  });
  if (buttons.flat().length > BUTTONS_MAX) throw badRequest("REPLY_MARKUP_TOO_LONG");
  return buttons.flat().length === 0 ? null : buttons;
}

function parseButton(button: unknown): Button {
  const refuse = (reason: string) => badRequest(`can't parse inline keyboard button: ${reason}`);
  if (typeof button !== "object" || button === null) {
    throw badRequest("inline keyboard button must be an Object");
  }
  const { text, callback_data: data, url, ...more } = button as Record<string, unknown>;
  const unknown = Object.keys(more).find((field) => !BUTTON_FIELDS.has(field));
  if (unknown !== undefined) throw refuse(`unknown field "${unknown}"`);
  if (text === undefined) throw refuse('Can\'t find field "text"');
  if (typeof text !== "string") throw refuse('Field "text" must be of type String');
  if (text.trim() === "") throw badRequest("BUTTON_TEXT_EMPTY");
  if (typeof url === "string") return { text, url };
  if (typeof data !== "string" || data === "") {
    throw refuse("Text buttons are unallowed in the inline keyboard");
  }
  if (Buffer.byteLength(data) > CALLBACK_DATA_BYTES_MAX) throw badRequest("BUTTON_DATA_INVALID");
  return { text, callback_data: data };
}
