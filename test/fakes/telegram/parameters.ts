import { badRequest } from "./bot-api-error.ts";
import type { RequestBody } from "./request-body.ts";

type Kind = "Integer" | "String" | "Boolean" | "Chat" | "Object" | "Array";

/** Parameters after their check: the kinds are as the table says. */
export type Parameters = Readonly<Record<string, unknown>>;

const send: Record<string, Kind> = {
  chat_id: "Chat",
  message_thread_id: "Integer",
  disable_notification: "Boolean",
  protect_content: "Boolean",
  reply_parameters: "Object",
  reply_markup: "Object",
};

/** The methods this server knows, with all parameters it understands. */
const METHODS = {
  getMe: {},
  getUpdates: { offset: "Integer", limit: "Integer", timeout: "Integer", allowed_updates: "Array" },
  setWebhook: {
    url: "String",
    secret_token: "String",
    max_connections: "Integer",
    allowed_updates: "Array",
    drop_pending_updates: "Boolean",
  },
  deleteWebhook: { drop_pending_updates: "Boolean" },
  getWebhookInfo: {},
  sendMessage: {
    ...send,
    text: "String",
    parse_mode: "String",
    entities: "Array",
    link_preview_options: "Object",
  },
  sendRichMessage: { ...send, rich_message: "Object" },
  sendDocument: {
    ...send,
    document: "String",
    caption: "String",
    parse_mode: "String",
    caption_entities: "Array",
  },
  editMessageText: {
    chat_id: "Chat",
    message_id: "Integer",
    text: "String",
    parse_mode: "String",
    entities: "Array",
    link_preview_options: "Object",
    rich_message: "Object",
    reply_markup: "Object",
  },
  editMessageReplyMarkup: { chat_id: "Chat", message_id: "Integer", reply_markup: "Object" },
  deleteMessage: { chat_id: "Chat", message_id: "Integer" },
  sendChatAction: { chat_id: "Chat", message_thread_id: "Integer", action: "String" },
  answerCallbackQuery: {
    callback_query_id: "String",
    text: "String",
    show_alert: "Boolean",
    cache_time: "Integer",
  },
  getFile: { file_id: "String" },
  getChat: { chat_id: "Chat" },
  setMyCommands: { commands: "Array", scope: "Object", language_code: "String" },
  getMyCommands: { scope: "Object", language_code: "String" },
  deleteMyCommands: { scope: "Object", language_code: "String" },
} as const satisfies Record<string, Record<string, Kind>>;

export type MethodName = keyof typeof METHODS;

/** Method names are case-insensitive; `null` when there is no such method. */
export function findMethod(name: string): MethodName | null {
  const names = Object.keys(METHODS) as MethodName[];
  return names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? null;
}

/** Stricter than Telegram, which ignores what it does not know: a wrong name is our mistake. */
export function checkParameters(method: MethodName, body: RequestBody): Parameters {
  const kinds: Record<string, Kind> = METHODS[method];
  const checked: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(body.fields)) {
    const kind = kinds[name];
    if (kind === undefined) throw badRequest(`method ${method} has no parameter "${name}"`);
    const value = body.isText ? fromText(kind, String(given)) : given;
    if (!isOfKind(kind, value)) throw badRequest(`field "${name}" must be of type ${kind}`);
    checked[name] = value;
  }
  return checked;
}

function fromText(kind: Kind, text: string): unknown {
  if (kind === "String") return text;
  if (kind === "Chat") return /^-?\d+$/.test(text) ? Number(text) : text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isOfKind(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case "Integer":
      return Number.isInteger(value);
    case "Chat":
      return Number.isInteger(value) || typeof value === "string";
    case "Array":
      return Array.isArray(value);
    case "Object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === kind.toLowerCase();
  }
}
