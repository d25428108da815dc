import type { ChatAddress } from "./chat-address.ts";
import type { IncomingAction, IncomingMessage, ReplyAction, Sender } from "./incoming-message.ts";

/** What a platform allows. Data, not methods: the core reads it and plans around it. */
export interface ChatCapabilities {
  /** Longest text of one message, in UTF-16 code units. */
  readonly textLengthMax: number;
  /** Longest text of one message in UTF-8 bytes; `null` when only characters count. */
  readonly textBytesMax: number | null;
  /** `null` when a sent message can never be changed. */
  readonly edit: EditCapability | null;
  readonly pace: { readonly direct: ChatPace; readonly group: ChatPace };
  /** Calls of the bot for all chats together; `Infinity` where there is no such limit. */
  readonly callsPerSecondMax: number;
  /** How long after the person's message we may still answer; `null` when always. */
  readonly replyWindowMs: number | null;
  /** Messages we may send for one message of the person; `null` when as many as the pace allows. */
  readonly sendsPerMessageMax: number | null;
  /** How long one typing signal is shown; `null` when the platform has none. */
  readonly typingMs: number | null;
  readonly buttons: boolean;
  /** People write one thought in several short messages here, so wait a moment before answering. */
  readonly bursts: boolean;
  /** There is no menu of commands here, so plain words such as 余额 are commands too. */
  readonly plainCommands: boolean;
  /** The bot can be in chats of several people. */
  readonly groups: boolean;
  /** A person's message, such as one with a card code, can be deleted at least sometimes. */
  readonly recall: boolean;
  /** Somebody who wrote in a group can be answered so that only they read it. */
  readonly privateAnswers: boolean;
}

export interface EditCapability {
  /** Edits of one message in a private chat closer together than this are rejected or throttled. */
  readonly directIntervalMsMin: number;
  readonly groupIntervalMsMin: number;
  /** How long after sending a message may still be edited; `null` when always. */
  readonly windowMs: number | null;
  /** "edit": a message is changed; "stream": it stays open and grows until it is closed. */
  readonly style: "edit" | "stream";
}

/** A token bucket for all calls that touch one chat: sends, edits and chat actions. */
export interface ChatPace {
  /** Calls that may follow each other at once after a quiet time. */
  readonly burst: number;
  /** One further call is allowed every so many milliseconds. */
  readonly refillMs: number;
}

export interface MessageButton {
  readonly action: ReplyAction;
  readonly replyId: string;
  readonly label: string;
}

/** What a person shall see in one message. */
export interface OutgoingMessage {
  /** At most `textLengthMax` long; Markdown when `format` says so. */
  readonly text: string;
  /** "plain" is shown as it is; "markdown" is turned into the platform's own formatting. */
  readonly format: "plain" | "markdown";
  readonly buttons: readonly MessageButton[];
  /** The person's message this one answers; `null` when it stands alone. */
  readonly replyTo: string | null;
  /** It will be edited again: a platform that streams keeps the message open. */
  readonly isDraft?: true;
}

/** A text file for a person, such as card codes. Its content is never logged or queued. */
export interface OutgoingFile {
  readonly name: string;
  readonly content: string;
  readonly caption: string;
}

export interface SentMessage {
  /** Where it really went: a group may have moved. */
  readonly address: ChatAddress;
  readonly id: string;
}

/**
 * The half of a platform that delivery needs. Every method throws `OutsideError` and nothing
 * else: "rate_limited" with `retryAfterMs`, "chat_gone", "message_gone", "rejected",
 * "window_closed", …
 * Formatting the platform refuses is sent again as plain text by the adapter itself.
 */
export interface ChatSender {
  readonly platform: string;
  readonly bot: string;
  readonly capabilities: ChatCapabilities;
  send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage>;
  /**
   * How many messages may be sent there before the person writes again, at most
   * `sendsPerMessageMax`. Survives a restart. There is one exactly where that is not null.
   */
  sendsLeft?(to: ChatAddress): Promise<number>;
  /** How many messages this file takes. There is one exactly where there is `sendsLeft`. */
  sendsForFile?(file: OutgoingFile): number;
  /** Only called when `capabilities.edit` is not null. An edit that changes nothing succeeds. */
  edit(message: SentMessage, content: OutgoingMessage): Promise<void>;
  sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage>;
  /** Only called when `capabilities.typingMs` is not null. */
  showTyping(to: ChatAddress): Promise<void>;
  /** Deletes a person's message, such as one with a card code. `false` when it is not permitted. */
  deleteMessage(address: ChatAddress, messageId: string): Promise<boolean>;
  /** The chat in which this person reads us alone; `null` when we cannot write to them in private. */
  openDirectChat(sender: Sender): Promise<ChatAddress | null>;
}

/** What the core does with what a platform hears. All may be called twice with the same event. */
export interface ChatHandlers {
  onMessage(message: IncomingMessage): Promise<void>;
  /** Resolves with the short text to show on the button press; `null` for none. */
  onAction(action: IncomingAction): Promise<string | null>;
  /** The person blocked (`false`) or unblocked the bot. */
  onReachable(platformUserId: string, isReachable: boolean): Promise<void>;
  /**
   * Somebody has to scan a code to connect the bot: `page` is where it is shown, a path of ours
   * such as "/wechat"; `code` is what the QR code says. Called again when the code changes.
   */
  onLoginCode(login: { readonly page: string; readonly code: string }): Promise<void>;
  /** The platform gave a chat a new id. */
  onChatMoved(from: ChatAddress, to: ChatAddress): Promise<void>;
}

/** A whole platform: it also listens. */
export interface ChatAdapter extends ChatSender {
  /** Resolves once it listens; keeps on trying by itself after later failures. */
  start(handlers: ChatHandlers): Promise<void>;
  /** Takes no new events, then waits for those already being handled. Sending still works. */
  stopListening(): Promise<void>;
  /** Ends everything. */
  stop(): Promise<void>;
  /** `null` when it works; else one sentence for operators that says what is wrong. */
  readonly problem: string | null;
  /** A person has to scan a login code first. Left out where there is none. */
  readonly isWaitingForLogin?: boolean;
}
