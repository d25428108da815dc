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
  for (const [index, text] of parts.entries()) {
    await withinBudget(connection, saying, () =>
      connection.sender.send(saying.to, {
        text,
        format: "markdown",
        buttons: [],
        replyTo: index === 0 ? saying.replyTo : null,
      }),
    );
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

async function withinBudget(
  { budget }: ChatConnection,
  { to, isDirect }: Pick<Saying, "to" | "isDirect">,
  call: () => Promise<SentMessage>,
): Promise<void> {
  for (let triesLeft = TRIES_MAX - 1; ; triesLeft -= 1) {
    await budget.turn({ address: to, isDirect }, "command");
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof OutsideError) || !error.retryable || triesLeft === 0) throw error;
      budget.pause(to, error.retryAfterMs ?? 1_000);
    }
  }
}
