import type { AccountStore } from "./account/account-store.ts";
import type { ChatConnection } from "./chat/chat-connections.ts";
import { ACTION_ID_PREFIX, type IncomingAction } from "./chat/incoming-message.ts";
import type { HandleMessage } from "./handle-message.ts";
import type { ReplyStore } from "./reply-store.ts";
import type { StopReplies } from "./stop-replies.ts";
import { matchLocale, textsFor } from "./texts/locales.ts";

/** A person pressed a button under an answer: only their own answers obey. */
export class HandleAction {
  readonly #accounts: AccountStore;
  readonly #replies: ReplyStore;
  readonly #stopReplies: StopReplies;
  readonly #handleMessage: HandleMessage;

  constructor(
    accounts: AccountStore,
    replies: ReplyStore,
    stopReplies: StopReplies,
    handleMessage: HandleMessage,
  ) {
    this.#accounts = accounts;
    this.#replies = replies;
    this.#stopReplies = stopReplies;
    this.#handleMessage = handleMessage;
  }

  /** Resolves with the short text for the press; `null` when what follows says enough. */
  async handle(action: IncomingAction, connection: ChatConnection): Promise<string | null> {
    const { address, sender } = action;
    const { account } = await this.#accounts.identify({
      platform: address.platform,
      bot: address.bot,
      sender,
      directChannel: action.isDirect ? address.channel : null,
    });
    const texts = textsFor(matchLocale(account.locale) ?? matchLocale(sender.locale) ?? "en");
    const reply = await this.#replies.find(action.replyId);
    if (reply === null || reply.accountId !== account.id) return texts.notYourButton;
    if (action.action === "stop") {
      const count = await this.#stopReplies.stop(account.id, { replyId: action.replyId });
      return count === 0 ? texts.nothingToStop : texts.stopping;
    }
    // Pressing is typing: the same rights, limits and texts as for the command.
    await this.#handleMessage.handle(
      {
        id: `${ACTION_ID_PREFIX}${action.id}`,
        address,
        sender,
        text: action.action === "retry" ? `/retry ${reply.id}` : `/${action.action}`,
        isDirect: action.isDirect,
        isEdit: false,
        quotedText: null,
        attachments: [],
        receivedAt: action.receivedAt,
      },
      connection,
    );
    return null;
  }
}
