import type { ChatAddress } from "../chat/chat-address.ts";
import type { ChatConnection } from "../chat/chat-connections.ts";
import { replyTarget } from "../chat/incoming-message.ts";
import { say, sayFile } from "../chat/say.ts";
import { OutsideError } from "../errors.ts";
import type { Answer, CommandContext } from "./command.ts";

/**
 * Shows the answer of a command. What is private goes to the private chat; where that is closed,
 * the group sees only what it may.
 */
export async function tellAnswer(
  context: CommandContext,
  answer: Answer,
  connection: ChatConnection,
): Promise<void> {
  const { message, texts } = context;
  // An admin group may see what admin commands answer, but nobody else's balances and cards.
  const isGroup = !message.isDirect && (!context.isAdmin || answer.isSecret === true);
  if (answer.isPrivate !== true || !isGroup) {
    await tellHere(context, await handOver(context, answer, connection), connection);
    return;
  }
  const isTold = await tellInPrivate(context, answer.text, connection);
  const group = isTold ? texts.sentInPrivate : (answer.groupText ?? texts.privateOnly);
  await tellHere(context, group, connection);
}

/** Sends the file of the answer, if there is one. Returns what is to be said then. */
async function handOver(
  { message }: CommandContext,
  { text, file, undoFile }: Answer,
  connection: ChatConnection,
): Promise<string> {
  if (file === undefined) return text;
  try {
    await sayFile(connection, message.address, message.isDirect, file);
    return text;
  } catch (error) {
    if (undoFile === undefined) throw error;
    const instead = await undoFile();
    if (!(error instanceof OutsideError)) throw error;
    return instead;
  }
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

/**
 * Takes a message with a card code out of a group, before anything else is done with it. Where the
 * platform does not allow that, the person is asked to.
 */
export async function hideCode(context: CommandContext, connection: ChatConnection): Promise<void> {
  const { message, texts } = context;
  if (message.isDirect || (await deleteMessage(context, connection))) return;
  await tellHere(context, texts.redeemDeleteYourself, connection);
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
