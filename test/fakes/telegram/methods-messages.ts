import { badRequest } from "./bot-api-error.ts";
import { parseKeyboard } from "./keyboard.ts";
import { readCaption, readRich, readText } from "./message-text.ts";
import type { Parameters } from "./parameters.ts";
import { messagePayload } from "./payloads.ts";
import type { UploadedFile } from "./request-body.ts";
import type { ServerState } from "./state.ts";
import type { StoredChat, StoredMessage } from "./world.ts";

const ACTIONS = ["typing", "upload_document", "upload_photo"];
const DELETE_WINDOW_SECONDS = 48 * 3600;
const NOT_MODIFIED =
  "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

export type Files = ReadonlyMap<string, UploadedFile>;

type Content = Partial<StoredMessage> & Pick<StoredMessage, "text">;

export function sendMessage(state: ServerState, parameters: Parameters): unknown {
  const content = readText(parameters, "message is too long");
  return send(state, parameters, { ...content, rich: null });
}

export function sendRichMessage(state: ServerState, parameters: Parameters): unknown {
  if (parameters.rich_message === undefined) throw badRequest("rich message is not specified");
  const rich = readRich(parameters.rich_message);
  return send(state, parameters, { text: rich, rich });
}

export function sendDocument(state: ServerState, parameters: Parameters, files: Files): unknown {
  const given = String(parameters.document ?? "");
  const file = files.get(given.replace(/^attach:\/\//, "")) ?? files.get("document");
  if (file === undefined) throw badRequest("there is no document in the request");
  if (file.content.length === 0) throw badRequest("file must be non-empty");
  const document = { name: file.name, content: file.content.toString("utf8") };
  return send(state, parameters, { ...readCaption(parameters), document });
}

export function editMessageText(state: ServerState, parameters: Parameters): unknown {
  const { chat, message } = ownMessage(state, parameters);
  const isRich = state.settings.richMessages && parameters.rich_message !== undefined;
  const rich = isRich ? readRich(parameters.rich_message) : null;
  const { text, entities } =
    rich === null ? readText(parameters, "MESSAGE_TOO_LONG") : { text: rich, entities: [] };
  if (message.document !== null) throw badRequest("there is no text in the message to edit");
  return change(state, chat, message, {
    text,
    entities,
    rich,
    buttons: parseKeyboard(parameters.reply_markup),
  });
}

export function editMessageReplyMarkup(state: ServerState, parameters: Parameters): unknown {
  const { chat, message } = ownMessage(state, parameters);
  const { text, entities, rich } = message;
  const buttons = parseKeyboard(parameters.reply_markup);
  return change(state, chat, message, { text, entities, rich, buttons });
}

export function deleteMessage(state: ServerState, parameters: Parameters): unknown {
  const { world } = state;
  const chat = world.chatForBot(parameters.chat_id);
  const message = world.find(chat, parameters.message_id);
  if (message === null) throw badRequest("message to delete not found");
  const isOwn = message.senderId === world.bot.id;
  const mayDelete = isOwn || chat.type === "private" || chat.botStatus === "administrator";
  const ageSeconds = state.now() / 1000 - message.date;
  if (!mayDelete || ageSeconds > DELETE_WINDOW_SECONDS) {
    throw badRequest("message can't be deleted");
  }
  message.isDeleted = true;
  return true;
}

export function sendChatAction(state: ServerState, parameters: Parameters): unknown {
  const chat = state.world.chatForBot(parameters.chat_id);
  checkThread(state, chat, parameters.message_thread_id);
  const action = String(parameters.action);
  if (!ACTIONS.includes(action)) throw badRequest("wrong parameter action in request");
  spend(state, chat);
  state.chatActions.push({ chatId: chat.id, action, at: state.now() });
  return true;
}

function send(state: ServerState, parameters: Parameters, content: Content): unknown {
  const { world } = state;
  const buttons = parseKeyboard(parameters.reply_markup);
  const chat = world.chatForBot(parameters.chat_id);
  const threadId = checkThread(state, chat, parameters.message_thread_id);
  const replyTo = checkReply(state, chat, parameters.reply_parameters);
  spend(state, chat);
  const senderId = world.bot.id;
  const message = world.addMessage(chat, { ...content, senderId, buttons, threadId, replyTo });
  return messagePayload(world, chat, message);
}

function change(
  state: ServerState,
  chat: StoredChat,
  message: StoredMessage,
  content: Pick<StoredMessage, "text" | "entities" | "rich" | "buttons">,
): unknown {
  spend(state, chat);
  const { text, entities, rich, buttons } = message;
  if (JSON.stringify({ text, entities, rich, buttons }) === JSON.stringify(content)) {
    throw badRequest(NOT_MODIFIED);
  }
  Object.assign(message, content);
  message.edits += 1;
  return messagePayload(state.world, chat, message);
}

function ownMessage(state: ServerState, parameters: Parameters) {
  const { world } = state;
  const chat = world.chatForBot(parameters.chat_id);
  if (parameters.message_id === undefined) {
    throw badRequest("message identifier is not specified");
  }
  const message = world.find(chat, parameters.message_id);
  if (message === null) throw badRequest("message to edit not found");
  if (message.senderId !== world.bot.id) throw badRequest("message can't be edited");
  return { chat, message };
}

function checkThread(state: ServerState, chat: StoredChat, threadId: unknown): number | null {
  if (threadId === undefined) return null;
  const mayHaveTopics = chat.isForum || (chat.type === "private" && state.settings.topics);
  if (!mayHaveTopics || !chat.topics.has(Number(threadId))) {
    throw badRequest("message thread not found");
  }
  return Number(threadId);
}

function checkReply(state: ServerState, chat: StoredChat, given: unknown): number | null {
  if (given === undefined) return null;
  const parameters = given as Record<string, unknown>;
  const { message_id: id, allow_sending_without_reply: isOptional, ...more } = parameters;
  const [other] = Object.keys(more);
  if (other !== undefined) throw badRequest(`reply_parameters has unknown field "${other}"`);
  if (!Number.isInteger(id)) throw badRequest('can\'t find field "message_id"');
  if (state.world.find(chat, id) !== null) return Number(id);
  if (isOptional === true) return null;
  throw badRequest("message to be replied not found");
}

function spend({ rates, settings }: ServerState, chat: StoredChat): void {
  if (settings.rateLimits) rates.spend(chat.id);
}
