import type { RuntimeSettings } from "../admin/runtime-settings.ts";
import type { AskQuestion } from "../ask-question.ts";
import type { ChatSettings } from "../chat-settings.ts";
import { conversationOwner } from "../conversation/conversation-owner.ts";
import type { ConversationStore } from "../conversation/conversation-store.ts";
import { UserError } from "../errors.ts";
import type { ReplyStore } from "../reply-store.ts";
import type { StopReplies } from "../stop-replies.ts";
import type { Command } from "./command.ts";
import type { ConnectedCommand } from "./command-list.ts";

export function stopCommand(stopReplies: StopReplies): Command {
  return {
    name: "stop",
    isForAdmins: false,
    async run({ message, person, texts }) {
      const count = await stopReplies.stop(person.account.id, { address: message.address });
      return { text: count === 0 ? texts.nothingToStop : texts.stopped(count) };
    },
  };
}

/** Answers the last question again; the former answer leaves the context. */
export function retryCommand(parts: {
  ask: AskQuestion;
  conversations: ConversationStore;
  replies: ReplyStore;
  runtime: RuntimeSettings;
  settings: ChatSettings;
}): ConnectedCommand {
  return {
    name: "retry",
    isForAdmins: false,
    async run({ message, person, locale }, _args, connection) {
      const { ask, conversations, replies, runtime, settings } = parts;
      if (runtime.isDraining) throw new UserError("draining");
      const { address, isDirect } = message;
      const owner = conversationOwner(address, isDirect, person.account.id, settings.groupContext);
      const conversationId = await conversations.readCurrent(owner);
      const last = await replies.findLastEnded(conversationId, person.account.id);
      if (last === null) throw new UserError("nothing_to_retry");
      await ask.ask(
        {
          message,
          person,
          locale,
          text: last.question,
          images: [],
          retryOf: { turnId: last.reply.questionTurnId, conversationId },
        },
        connection,
      );
      return null;
    },
  };
}
