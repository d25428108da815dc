import type { RetryReply } from "../retry-reply.ts";
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

const REPLY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Answers the last question again, or (from a button) the one whose reply is named. */
export function retryCommand(retryReply: RetryReply): ConnectedCommand {
  return {
    name: "retry",
    isForAdmins: false,
    async run({ message, person, locale }, args, connection) {
      const replyId = REPLY_ID.test(args) ? args : null;
      await retryReply.retry({ message, person, locale }, replyId, connection);
      return null;
    },
  };
}
