import { BotApiError, badRequest } from "./bot-api-error.ts";
import type { Parameters } from "./parameters.ts";
import { chatPayload, userPayload } from "./payloads.ts";
import type { ServerState } from "./state.ts";
import type { PollParameters } from "./update-queue.ts";

const PRESS_ANSWER_MS = 15_000;
const NOTICE_LENGTH_MAX = 200;
const FILE_BYTES_MAX = 20_000_000;
const COMMAND = /^[a-z0-9_]{1,32}$/;
const DESCRIPTION_LENGTH_MAX = 256;
const COMMANDS_MAX = 100;
const LANGUAGE = /^([a-z]{2})?$/;
const SCOPES = [
  "default",
  "all_private_chats",
  "all_group_chats",
  "all_chat_administrators",
  "chat",
  "chat_administrators",
  "chat_member",
];
const WEBHOOK_IS_SET =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const TOO_LATE = "query is too old and response timeout expired or query ID is invalid";

export function getMe({ world, settings }: ServerState): unknown {
  return {
    ...userPayload(world.bot),
    can_join_groups: true,
    can_read_all_group_messages: !settings.privacy,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: settings.topics,
    allows_users_to_create_topics: settings.topics,
  };
}

export async function getUpdates(
  { queue, webhook }: ServerState,
  parameters: Parameters,
  clientGone: AbortSignal,
): Promise<unknown> {
  if (webhook.isSet) throw new BotApiError(409, WEBHOOK_IS_SET);
  return await queue.poll(parameters as PollParameters, clientGone);
}

export function setWebhook({ queue, webhook }: ServerState, parameters: Parameters): unknown {
  queue.allow(parameters.allowed_updates);
  if (parameters.drop_pending_updates === true) queue.clear();
  webhook.set(parameters);
  if (webhook.isSet) queue.interrupt();
  return true;
}

export function deleteWebhook({ queue, webhook }: ServerState, parameters: Parameters): unknown {
  if (parameters.drop_pending_updates === true) queue.clear();
  webhook.delete();
  return true;
}

export function answerCallbackQuery(state: ServerState, parameters: Parameters): unknown {
  const press = state.presses.get(String(parameters.callback_query_id));
  const isOpen = press?.isOpen === true && state.now() - press.at <= PRESS_ANSWER_MS;
  if (press === undefined || !isOpen) throw badRequest(TOO_LATE);
  const text = (parameters.text as string | undefined) ?? null;
  if ((text ?? "").length > NOTICE_LENGTH_MAX) throw badRequest("MESSAGE_TOO_LONG");
  press.isOpen = false;
  press.answered.resolve(text);
  return true;
}

export function getFile({ files }: ServerState, parameters: Parameters): unknown {
  const id = String(parameters.file_id ?? "");
  const file = files.get(id);
  if (file === undefined) throw badRequest("invalid file_id");
  if (file.content.length > FILE_BYTES_MAX) throw badRequest("file is too big");
  return {
    file_id: id,
    file_unique_id: `unique-${id}`,
    file_size: file.content.length,
    file_path: file.path,
  };
}

export function getChat({ world }: ServerState, parameters: Parameters): unknown {
  return chatPayload(world, world.chatForBot(parameters.chat_id));
}

export function setMyCommands(state: ServerState, parameters: Parameters): unknown {
  const { commands } = parameters;
  if (!Array.isArray(commands)) throw badRequest("command list is not specified");
  if (commands.length > COMMANDS_MAX) throw badRequest("BOT_COMMANDS_TOO_MUCH");
  for (const given of commands) {
    const { command = "", description = "", ...more } = given as Record<string, unknown>;
    if (command === "") throw badRequest("command must be non-empty");
    if (description === "") throw badRequest("command description must be non-empty");
    if (!COMMAND.test(String(command))) throw badRequest("BOT_COMMAND_INVALID");
    if (String(description).length > DESCRIPTION_LENGTH_MAX) {
      throw badRequest("BOT_COMMAND_DESCRIPTION_INVALID");
    }
    const [other] = Object.keys(more);
    if (other !== undefined) throw badRequest(`BotCommand has unknown field "${other}"`);
  }
  state.commands.set(commandKey(state, parameters), commands);
  return true;
}

export function getMyCommands(state: ServerState, parameters: Parameters): unknown {
  return state.commands.get(commandKey(state, parameters)) ?? [];
}

export function deleteMyCommands(state: ServerState, parameters: Parameters): unknown {
  state.commands.delete(commandKey(state, parameters));
  return true;
}

/** "default", "default/zh", "chat:-100123/en". */
function commandKey({ world }: ServerState, parameters: Parameters): string {
  const { scope = { type: "default" }, language_code: language = "" } = parameters;
  const { type, chat_id: chatId } = scope as Record<string, unknown>;
  if (!SCOPES.includes(String(type))) {
    throw badRequest("can't parse BotCommandScope: Unsupported type specified");
  }
  if (!LANGUAGE.test(String(language))) throw badRequest("language_code is invalid");
  const needsChat = String(type).startsWith("chat");
  if (needsChat && chatId === undefined) {
    throw badRequest("can't parse BotCommandScope: Can't find field \"chat_id\"");
  }
  const where = needsChat ? `${type}:${world.chatForBot(chatId).id}` : String(type);
  return language === "" ? where : `${where}/${language}`;
}
