import { createHash } from "node:crypto";
import type { AskQuestion, Question } from "./ask-question.ts";
import type { ChatConnection } from "./chat/chat-connections.ts";
import { EDIT_MARK } from "./chat/incoming-message.ts";
import type { ReplyStore } from "./reply-store.ts";
import type { StopReplies } from "./stop-replies.ts";

export interface EditQuestionParts {
  readonly ask: AskQuestion;
  readonly replies: ReplyStore;
  readonly stopReplies: StopReplies;
}

/** What became of a changed message. */
export type EditOutcome = "asked" | "too_late" | "merged" | "known";

/**
 * A person changed a message. One that is not being answered yet is asked anew as it stands now,
 * with a hold of its own; what it was is stopped for nothing. Once a worker has begun, only the
 * stored question changes, so that a retry answers the new one. One of several messages that became
 * one question cannot be told apart any more.
 */
export class EditQuestion {
  readonly #parts: EditQuestionParts;

  constructor(parts: EditQuestionParts) {
    this.#parts = parts;
  }

  async edit(
    question: Omit<Question, "replaces">,
    connection: ChatConnection,
  ): Promise<EditOutcome> {
    const { ask, replies, stopReplies } = this.#parts;
    const { message, person, text } = question;
    const editId = `${message.id}${EDIT_MARK}${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
    if ((await replies.findBySource(message.address, editId)) !== null) return "known";
    const source = await replies.findBySource(message.address, message.id);
    const edited = { ...question, message: { ...message, id: editId } };
    if (source === null) {
      // It was refused before, or was nothing for us: now it is a question like any other.
      await ask.ask({ ...edited, replaces: null }, connection);
      return "asked";
    }
    if (source.sourceCount > 1) return "merged";
    const { reply } = source;
    const isWaiting = (await stopReplies.stopWaiting(person.account.id, reply.id)) === 1;
    if (!isWaiting) {
      return (await replies.rewriteQuestion(reply.id, text)) ? "too_late" : "known";
    }
    const { questionTurnId: turnId, conversationId } = reply;
    await ask.ask({ ...edited, replaces: { turnId, conversationId } }, connection);
    return "asked";
  }
}
