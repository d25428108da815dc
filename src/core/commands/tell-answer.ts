import type { ChatAddress } from "../chat/chat-address.ts";
import type { ChatConnection } from "../chat/chat-connections.ts";
import { replyTarget } from "../chat/incoming-message.ts";
import { say, sayFile } from "../chat/say.ts";
import { OutsideError } from "../errors.ts";
import type { Answer, CommandContext } from "./command.ts";

/**
 * Shows the answer of a command. What is private goes to the private chat; where that is closed,
 * the group sees only what it may. A message with a secret is deleted where the platform allows.
 */
export async function tellAnswer(
  context: CommandContext,
  answer: Answer,
  connection: ChatConnection,
): Promise<void> {
  const { message, texts } = context;
  const isGroup = !message.isDirect && !context.isAdmin;
  const needsWarning =
    answer.deletesMessage === true && isGroup && !(await deleteMessage(context, connection));
  if (answer.isPrivate !== true || !isGroup) {
    await tellHere(context, answer.text, connection);
    if (answer.file !== undefined) {
      await sayFile(connection, message.address, message.isDirect, answer.file);
    }
    return;
  }
  const isTold = await tellInPrivate(context, answer.text, connection);
  const warning = needsWarning ? [texts.redeemDeleteYourself] : [];
  const group = isTold ? texts.sentInPrivate : (answer.groupText ?? texts.privateOnly);
  await tellHere(context, [group, ...warning].join("\n"), connection);
}

async function tellHere(
  { message }: CommandContext,
  text: string,
  connection: ChatConnection,
): Promise<void> {
  await say(connection, {
    to: message.address,
    isDirect: message.isDirect,
    text,
    replyTo: replyTarget(message),
  });
}

async function tellInPrivate(
  { message }: CommandContext,
  text: string,
  connection: ChatConnection,
): Promise<boolean> {
  let to: ChatAddress | null = null;
  try {
    to = await connection.sender.openDirectChat(message.sender);
    if (to === null) return false;
    await say(connection, { to, isDirect: true, text, replyTo: null });
    return true;
  } catch (error) {
    // People who never wrote to the bot in private cannot be written to.
    if (error instanceof OutsideError && !error.retryable) return false;
    throw error;
  }
}

async function deleteMessage(
  { message }: CommandContext,
  connection: ChatConnection,
): Promise<boolean> {
  try {
    return await connection.sender.deleteMessage(message.address, message.id);
  } catch (error) {
    if (error instanceof OutsideError) return false;
    throw error;
  }
}
