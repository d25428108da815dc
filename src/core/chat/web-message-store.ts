import type { MessageButton } from "./chat-adapter.ts";

/** What can change in a message after it was written. */
export interface WebMessageContent {
  readonly text: string;
  readonly format: "plain" | "markdown";
  readonly buttons: readonly MessageButton[];
  /** The reply it belongs to; once set it stays. `null` for everything that answers no question. */
  readonly replyId: string | null;
}

/** A picture or text a person sent along. Only a small preview of a picture is kept. */
export interface WebAttachment {
  readonly name: string;
  readonly mediaType: string;
  /** A `data:` address of at most 60,000 characters; `null` when there is none. */
  readonly thumbnail: string | null;
}

/** One message as the page shows it. Ids are UUIDs of version 7: their order is that of time. */
export interface WebMessage extends WebMessageContent {
  readonly id: string;
  readonly channel: string;
  readonly author: "person" | "bot";
  readonly attachments: readonly WebAttachment[];
  /** Name of the file that came with it; its content is never stored. */
  readonly fileName: string | null;
  readonly createdAt: Date;
}

/** Keeps what the web chat shows: the page is a platform and this is its server's memory. */
export interface WebMessageStore {
  /** `false` when a message with that id is there already; then nothing changed. */
  append(message: WebMessage): Promise<boolean>;
  /** `false` when there is no such message in that channel. */
  update(channel: string, id: string, content: WebMessageContent, at: Date): Promise<boolean>;
  /** `false` when there is no such message in that channel. */
  delete(channel: string, id: string): Promise<boolean>;
  /** The newest `limit` messages of a channel, oldest first; only those before `beforeId` if given. */
  list(channel: string, limit: number, beforeId: string | null): Promise<WebMessage[]>;
}
