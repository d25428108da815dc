import { OutsideError } from "../errors.ts";
import type { OutgoingFile, SentMessage } from "./chat-adapter.ts";
import type { ChatAddress } from "./chat-address.ts";
import type { ChatConnection } from "./chat-connections.ts";
import { splitMarkdown } from "./split-text.ts";

const TRIES_MAX = 4;

export interface Saying {
  readonly to: ChatAddress;
  readonly isDirect: boolean;
  /** Markdown of any length. */
  readonly text: string;
  readonly replyTo: string | null;
}

/**
 * Sends a text of ours, in several messages when it is long, before any preview waiting for the
 * same chat. Waits out rate limits; throws `OutsideError` when the platform keeps failing.
 */
export async function say(connection: ChatConnection, saying: Saying): Promise<void> {
  const { capabilities } = connection.sender;
  const parts = splitMarkdown(saying.text, {
    lengthMax: capabilities.textLengthMax,
    bytesMax: capabilities.textBytesMax,
  });
  let { to } = saying;
  for (const [index, text] of parts.entries()) {
    const { address } = await withinBudget(connection, { ...saying, to }, () =>
      connection.sender.send(to, {
        text,
        format: "markdown",
        buttons: [],
        replyTo: index === 0 ? saying.replyTo : null,
      }),
    );
    // Where the first part really went: a group may have moved, or only one person may see it.
    to = address;
  }
}

export async function sayFile(
  connection: ChatConnection,
  to: ChatAddress,
  isDirect: boolean,
  file: OutgoingFile,
): Promise<void> {
  await withinBudget(connection, { to, isDirect }, () => connection.sender.sendFile(to, file));
}

/** Whether the platform takes this file now, and a message of ours besides. */
export async function hasRoomForFile(
  { sender }: ChatConnection,
  to: ChatAddress,
  file: OutgoingFile,
): Promise<boolean> {
  if (sender.capabilities.sendsPerMessageMax === null || !sender.sendsLeft) return true;
  const needed = (sender.sendsForFile?.(file) ?? 1) + 1;
  return (await sender.sendsLeft(to)) >= needed;
}

async function withinBudget(
  { budget }: ChatConnection,
  { to, isDirect }: Pick<Saying, "to" | "isDirect">,
  call: () => Promise<SentMessage>,
): Promise<SentMessage> {
  for (let triesLeft = TRIES_MAX - 1; ; triesLeft -= 1) {
    await budget.turn({ address: to, isDirect }, "command");
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof OutsideError) || !error.retryable || triesLeft === 0) throw error;
      budget.pause(to, error.retryAfterMs ?? 1_000);
    }
  }
}
