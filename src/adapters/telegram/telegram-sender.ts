import { InputFile } from "grammy";
import type { OutgoingFile, OutgoingMessage, SentMessage } from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import { OutsideError } from "../../core/errors.ts";
import { type TelegramApi, TelegramRefusal, toOutsideError } from "./telegram-api.ts";
import {
  type ChatNews,
  isRefusal,
  type Target,
  TelegramChatCalls,
  targetOf,
} from "./telegram-chat-calls.ts";
import {
  CAPTION_LENGTH_MAX,
  keyboard,
  shorten,
  type TextForm,
  textForms,
} from "./telegram-content.ts";

const UPLOAD_TIMEOUT_MS = 60_000;

const NOT_MODIFIED = /message is not modified/i;
const UNKNOWN_METHOD = /method not found/i;
const TEXT_EMPTY = /text is empty/i;
const CANNOT_DELETE = /can't be deleted|not enough rights|MESSAGE_DELETE_FORBIDDEN/i;
const NOTHING_TO_DELETE = /message to delete not found/i;

/**
 * Sends and edits. Formatting that Telegram refuses is shown more plainly. Throws `OutsideError`
 * only.
 */
export class TelegramSender {
  readonly #calls: TelegramChatCalls;
  /** Rich messages came with Bot API 10.1; a server of one's own may be older. */
  #knowsRich: boolean | null = null;

  constructor(api: TelegramApi, news: ChatNews) {
    this.#calls = new TelegramChatCalls(api, news);
  }

  async send(to: ChatAddress, content: OutgoingMessage): Promise<SentMessage> {
    const replyMarkup = keyboard(content.buttons);
    const options = (target: Target) => ({
      ...target,
      ...(replyMarkup !== undefined && { reply_markup: replyMarkup }),
      ...replyParameters(content, to, target),
    });
    return await this.#calls.guarded(to, () =>
      this.#inBestForm(content, async (form) => {
        const { result, address } = await this.#calls.toChat<{ message_id: number }>(
          to,
          (target, raw, signal) =>
            form.type === "rich"
              ? raw.sendRichMessage({ ...options(target), ...richContent(form) }, signal)
              : raw.sendMessage({ ...options(target), ...plainContent(form) }, signal),
        );
        return { address, id: String(result.message_id) };
      }),
    );
  }

  async edit({ address, id }: SentMessage, content: OutgoingMessage): Promise<void> {
    const replyMarkup = keyboard(content.buttons);
    const message = {
      message_id: Number(id),
      ...(replyMarkup !== undefined && { reply_markup: replyMarkup }),
    };
    await this.#calls.guarded(address, () =>
      this.#inBestForm(content, async (form) => {
        const shown = form.type === "rich" ? richContent(form) : plainContent(form);
        try {
          await this.#calls.toMessage(address, ({ chat_id }, raw, signal) =>
            raw.editMessageText({ chat_id, ...message, ...shown }, signal),
          );
        } catch (error) {
          if (!isRefusal(error, NOT_MODIFIED)) throw error;
        }
      }),
    );
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    const name = file.name.replace(/[^\w.-]+/g, "_");
    const caption = shorten(file.caption.toWellFormed(), CAPTION_LENGTH_MAX);
    return await this.#calls.guarded(to, async () => {
      const { result, address } = await this.#calls.toChat(
        to,
        (target, raw, signal) =>
          raw.sendDocument(
            {
              ...target,
              document: new InputFile(Buffer.from(file.content), name),
              protect_content: false,
              ...(caption !== "" && { caption }),
            },
            signal,
          ),
        UPLOAD_TIMEOUT_MS,
      );
      return { address, id: String(result.message_id) };
    });
  }

  async showTyping(to: ChatAddress): Promise<void> {
    await this.#calls.guarded(to, () =>
      this.#calls.toChat(to, (target, raw, signal) =>
        raw.sendChatAction({ ...target, action: "typing" }, signal),
      ),
    );
  }

  async deleteMessage(address: ChatAddress, messageId: string): Promise<boolean> {
    return await this.#calls.guarded(address, async () => {
      try {
        await this.#calls.toMessage(address, ({ chat_id }, raw, signal) =>
          raw.deleteMessage({ chat_id, message_id: Number(messageId) }, signal),
        );
        return true;
      } catch (error) {
        if (isRefusal(error, NOTHING_TO_DELETE)) return true;
        if (isRefusal(error, CANNOT_DELETE)) return false;
        // The group has moved and left the message behind, where people still see it.
        if (error instanceof OutsideError && error.kind === "message_gone") return false;
        throw error;
      }
    });
  }

  async #inBestForm<T>(content: OutgoingMessage, show: (form: TextForm) => Promise<T>): Promise<T> {
    let refusal: unknown;
    for (const form of textForms(content, this.#knowsRich !== false)) {
      try {
        const shown = await show(form);
        if (form.type === "rich") this.#knowsRich = true;
        return shown;
      } catch (error) {
        if (!this.#isAboutForm(form, error)) throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  #isAboutForm(form: TextForm, error: unknown): boolean {
    if (!(error instanceof TelegramRefusal)) return false;
    const { code, description } = error;
    if (form.type === "rich" && this.#knowsRich === null) {
      // An old server knows no such method, or takes an edit for one without a text.
      const isUnknown = UNKNOWN_METHOD.test(description) || TEXT_EMPTY.test(description);
      if (isUnknown) this.#knowsRich = false;
      if (isUnknown) return true;
    }
    const outside = toOutsideError(error);
    const isRejected = outside instanceof OutsideError && outside.kind === "rejected";
    return isRejected && (code === 400 || code === 413);
  }
}

function richContent({ markdown }: TextForm & { readonly type: "rich" }) {
  return { rich_message: { markdown } };
}

function plainContent({ text, entities }: TextForm & { readonly type: "text" }) {
  return {
    text,
    ...(entities.length > 0 && { entities }),
    link_preview_options: { is_disabled: true },
  };
}

function replyParameters({ replyTo }: OutgoingMessage, to: ChatAddress, target: Target) {
  // In a group that has moved, the number means another message.
  const isSameChat = target.chat_id === targetOf(to).chat_id;
  if (replyTo === null || !isSameChat) return {};
  return { reply_parameters: { message_id: Number(replyTo), allow_sending_without_reply: true } };
}
