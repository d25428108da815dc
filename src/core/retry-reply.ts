import type { Person } from "./account/account.ts";
import type { RuntimeSettings } from "./admin/runtime-settings.ts";
import type { AskQuestion, Question } from "./ask-question.ts";
import type { ChatConnection } from "./chat/chat-connections.ts";
import type { ChatSettings } from "./chat-settings.ts";
import { conversationOwner } from "./conversation/conversation-owner.ts";
import type { ConversationStore } from "./conversation/conversation-store.ts";
import { UserError } from "./errors.ts";
import type { ReplyStore } from "./reply-store.ts";

export interface RetryReplyParts {
  readonly ask: AskQuestion;
  readonly conversations: ConversationStore;
  readonly replies: ReplyStore;
  readonly runtime: RuntimeSettings;
  readonly settings: ChatSettings;
}

/** Has a question answered again; its former answer leaves the context, not the history. */
export class RetryReply {
  readonly #parts: RetryReplyParts;

  constructor(parts: RetryReplyParts) {
    this.#parts = parts;
  }

  /**
   * `replyId` names the answer whose button was pressed; `null` means the last one here. Throws
   * `UserError("nothing_to_retry" | "draining")` and whatever asking throws.
   */
  async retry(
    asked: Pick<Question, "message" | "person" | "locale">,
    replyId: string | null,
    connection: ChatConnection,
  ): Promise<void> {
    const { ask, conversations, runtime } = this.#parts;
    if (runtime.isDraining) throw new UserError("draining");
    const reply =
      replyId === null
        ? await this.#findLast(asked.message, asked.person)
        : await this.#parts.replies.find(replyId);
    if (
      reply === null ||
      reply.accountId !== asked.person.account.id ||
      reply.answeredAt === null
    ) {
      throw new UserError("nothing_to_retry");
    }
    const question = await conversations.readTurn(reply.questionTurnId);
    const images = await conversations.readImages([reply.questionTurnId]);
    await ask.ask(
      {
        ...asked,
        text: question.text,
        images: images.map(({ mediaType, bytes }) => ({ mediaType, bytes })),
        replaces: { turnId: reply.questionTurnId, conversationId: reply.conversationId },
      },
      connection,
    );
  }

  async #findLast({ address, isDirect }: Question["message"], { account }: Person) {
    const { conversations, replies, settings } = this.#parts;
    const owner = conversationOwner(address, isDirect, account.id, settings.groupContext);
    const conversationId = await conversations.readCurrent(owner);
    return await replies.findLastEnded(conversationId, account.id);
  }
}
