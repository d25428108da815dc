import type { ChatSettings } from "../chat-settings.ts";
import { conversationOwner } from "../conversation/conversation-owner.ts";
import type { ConversationStore } from "../conversation/conversation-store.ts";
import { UserError } from "../errors.ts";
import { formatDate } from "../texts/format.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { Command, CommandContext } from "./command.ts";
import { USAGE } from "./command-names.ts";

/** How many conversations /history shows and /resume reaches. */
export const CONVERSATIONS_SHOWN = 20;

export function newCommand(conversations: ConversationStore, settings: ChatSettings): Command {
  return {
    name: "new",
    isForAdmins: false,
    async run(context) {
      await conversations.startNew(ownerOf(context, settings));
      return { text: context.texts.newConversation };
    },
  };
}

export function historyCommand(conversations: ConversationStore, settings: ChatSettings): Command {
  return {
    name: "history",
    isForAdmins: false,
    async run(context) {
      const { texts } = context;
      const list = await conversations.list(ownerOf(context, settings), CONVERSATIONS_SHOWN);
      if (list.length === 0) return { text: texts.historyEmpty };
      const lines = list.map((conversation, index) => ({
        number: index + 1,
        title: escapeMarkdown(conversation.title) || texts.untitled,
        at: formatDate(conversation.lastTurnAt),
        isCurrent: conversation.isCurrent,
      }));
      return { text: texts.history(lines), isPrivate: true };
    },
  };
}

export function resumeCommand(conversations: ConversationStore, settings: ChatSettings): Command {
  return {
    name: "resume",
    isForAdmins: false,
    async run(context, args) {
      if (!/^\d{1,6}$/.test(args)) throw new UserError("usage", { usage: USAGE.resume });
      const owner = ownerOf(context, settings);
      const list = await conversations.list(owner, CONVERSATIONS_SHOWN);
      const conversation = list[Number(args) - 1];
      if (conversation === undefined) {
        throw new UserError("unknown_conversation", { number: Number(args) });
      }
      await conversations.resume(owner, conversation.id);
      const title = escapeMarkdown(conversation.title) || context.texts.untitled;
      return { text: context.texts.resumed(title) };
    },
  };
}

function ownerOf({ message, person }: CommandContext, settings: ChatSettings) {
  const { address, isDirect } = message;
  return conversationOwner(address, isDirect, person.account.id, settings.groupContext);
}
