import type { Entity } from "./entities.ts";
import type { StoredChat, World } from "./world.ts";

/** A message as a person sees it. */
export interface ShownMessage {
  readonly id: number;
  readonly from: number;
  readonly isBot: boolean;
  /** The Markdown of a rich message. */
  readonly text: string;
  readonly isRich: boolean;
  readonly entities: readonly Entity[];
  readonly buttons: readonly { readonly label: string; readonly data: string | null }[];
  readonly thread: number | null;
  readonly replyTo: number | null;
  readonly edits: number;
  readonly document: { readonly name: string; readonly content: string } | null;
}

/** What is left after edits and deletions, oldest first. */
export function shownMessages(world: World, chat: StoredChat): ShownMessage[] {
  return chat.messages
    .filter((message) => !message.isDeleted)
    .map((message) => ({
      id: message.id,
      from: message.senderId,
      isBot: message.senderId === world.bot.id,
      text: message.text,
      isRich: message.rich !== null,
      entities: message.entities,
      buttons: (message.buttons ?? [])
        .flat()
        .map(({ text, callback_data: data }) => ({ label: text, data: data ?? null })),
      thread: message.threadId,
      replyTo: message.replyTo,
      edits: message.edits,
      document: message.document,
    }));
}
