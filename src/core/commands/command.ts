import type { Person } from "../account/account.ts";
import type { OutgoingFile } from "../chat/chat-adapter.ts";
import type { IncomingMessage } from "../chat/incoming-message.ts";
import type { Texts } from "../texts/texts.ts";
import type { CommandName } from "./command-names.ts";

/** Who gave a command, where, and in which language they read. */
export interface CommandContext {
  readonly message: IncomingMessage;
  readonly person: Person;
  readonly locale: string;
  readonly texts: Texts;
  /** The message, by a name that no other has: what is done for it happens once. */
  readonly cause: string;
  /** "telegram:42": how the audit log names them. */
  readonly actor: string;
  /** Given by an admin in an admin chat. */
  readonly isAdmin: boolean;
}

/** What the person is told; `null` when the command shows its result in another way. */
export interface Answer {
  /** Markdown. */
  readonly text: string;
  /** It names balances or codes: outside a private chat it is sent in private. */
  readonly isPrivate?: boolean;
  /** What the group sees when the private way is closed. */
  readonly groupText?: string;
  /** Sent before the text. */
  readonly file?: OutgoingFile;
  /** The file could not be delivered: undoes what the command did and returns what is said instead. */
  readonly undoFile?: () => Promise<string>;
  /** It came of a card code: private even in an admin group. */
  readonly isSecret?: boolean;
}

/** One command. `run` throws `UserError` for what the person can mend; then nothing has happened. */
export interface Command {
  readonly name: CommandName;
  readonly isForAdmins: boolean;
  run(context: CommandContext, args: string): Promise<Answer | null>;
}
