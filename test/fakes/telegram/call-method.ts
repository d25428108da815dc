import { BotApiError } from "./bot-api-error.ts";
import * as bot from "./methods-bot.ts";
import * as messages from "./methods-messages.ts";
import { checkParameters, type MethodName, type Parameters } from "./parameters.ts";
import type { RequestBody } from "./request-body.ts";
import type { ServerState } from "./state.ts";

type Method = (
  state: ServerState,
  parameters: Parameters,
  files: messages.Files,
  clientGone: AbortSignal,
) => unknown;

const METHODS: Readonly<Record<MethodName, Method>> = {
  getMe: bot.getMe,
  getUpdates: (state, parameters, _, clientGone) => bot.getUpdates(state, parameters, clientGone),
  setWebhook: bot.setWebhook,
  deleteWebhook: bot.deleteWebhook,
  getWebhookInfo: ({ webhook }) => webhook.info(),
  sendMessage: messages.sendMessage,
  sendRichMessage: messages.sendRichMessage,
  sendDocument: messages.sendDocument,
  editMessageText: messages.editMessageText,
  editMessageReplyMarkup: messages.editMessageReplyMarkup,
  deleteMessage: messages.deleteMessage,
  sendChatAction: messages.sendChatAction,
  answerCallbackQuery: bot.answerCallbackQuery,
  getFile: bot.getFile,
  getChat: bot.getChat,
  setMyCommands: bot.setMyCommands,
  getMyCommands: bot.getMyCommands,
  deleteMyCommands: bot.deleteMyCommands,
};

/** Carries out one call of the Bot API; throws `BotApiError`. */
export async function callMethod(
  state: ServerState,
  method: MethodName | null,
  body: RequestBody,
  clientGone: AbortSignal,
): Promise<unknown> {
  const isUnknown = method === "sendRichMessage" && !state.settings.richMessages;
  if (method === null || isUnknown) throw new BotApiError(404, "Not Found: method not found");
  const parameters = checkParameters(method, body);
  return await METHODS[method](state, parameters, body.files, clientGone);
}
