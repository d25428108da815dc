import { BotApiError, badRequest, forbidden } from "./bot-api-error.ts";
import type { Entity } from "./entities.ts";
import type { Button } from "./keyboard.ts";

export interface Person {
  readonly id: number;
  readonly firstName: string;
  readonly lastName: string | null;
  readonly username: string | null;
  readonly languageCode: string | null;
  readonly isBot: boolean;
  /** Between the person and the bot. */
  hasStarted: boolean;
  hasBlocked: boolean;
  isDeactivated: boolean;
}

export interface StoredMessage {
  readonly id: number;
  readonly senderId: number;
  readonly threadId: number | null;
  readonly date: number;
  readonly replyTo: number | null;
  text: string;
  entities: readonly Entity[];
  /** Markdown of a rich message; `null` for ordinary ones. */
  rich: string | null;
  buttons: Button[][] | null;
  document: { readonly name: string; readonly content: string } | null;
  /** Further fields as the Bot API shows them: media, service messages. */
  readonly extra: Readonly<Record<string, unknown>>;
  edits: number;
  isDeleted: boolean;
}

export interface StoredChat {
  readonly id: number;
  readonly type: "private" | "group" | "supergroup";
  readonly title: string;
  readonly isForum: boolean;
  readonly topics: Set<number>;
  readonly messages: StoredMessage[];
  botStatus: "member" | "administrator" | "kicked";
  migratedTo: number | null;
  nextId: number;
}

export type NewMessage = Pick<StoredMessage, "senderId" | "text"> & Partial<StoredMessage>;

/** Everybody and everything on this Telegram. */
export class World {
  readonly people = new Map<number, Person>();
  readonly chats = new Map<number, StoredChat>();
  readonly bot: Person;
  readonly #now: () => number;

  constructor(bot: { readonly id: number; readonly username: string }, now: () => number) {
    this.#now = now;
    this.bot = this.addPerson(bot.id, { firstName: "Bot", username: bot.username, isBot: true });
  }

  addPerson(id: number, details: Partial<Person> = {}): Person {
    const person: Person = {
      id,
      firstName: `Person ${id}`,
      lastName: null,
      username: null,
      languageCode: "en",
      isBot: false,
      hasStarted: false,
      hasBlocked: false,
      isDeactivated: false,
      ...details,
    };
    this.people.set(id, person);
    return person;
  }

  person(id: number): Person {
    return this.people.get(id) ?? this.addPerson(id);
  }

  addChat(id: number, details: Partial<StoredChat> = {}): StoredChat {
    const chat: StoredChat = {
      id,
      type: id > 0 ? "private" : "supergroup",
      title: `Chat ${id}`,
      isForum: false,
      topics: new Set(),
      messages: [],
      botStatus: "member",
      migratedTo: null,
      nextId: 1,
      ...details,
    };
    this.chats.set(id, chat);
    return chat;
  }

  /** The private chat with a person has the person's id. */
  chat(id: number): StoredChat {
    const known = this.chats.get(id);
    if (known !== undefined) return known;
    if (id < 0) throw new Error(`there is no group ${id}`);
    return this.addChat(id, { title: this.person(id).firstName });
  }

  addMessage(chat: StoredChat, message: NewMessage): StoredMessage {
    const stored: StoredMessage = {
      threadId: null,
      date: Math.floor(this.#now() / 1000),
      replyTo: null,
      entities: [],
      rich: null,
      buttons: null,
      document: null,
      extra: {},
      edits: 0,
      isDeleted: false,
      ...message,
      id: chat.nextId,
    };
    chat.nextId += 1;
    chat.messages.push(stored);
    return stored;
  }

  /** The chat a bot names in a call; throws as Telegram does when it may not write there. */
  chatForBot(id: unknown): StoredChat {
    if (id === undefined || id === "") throw badRequest("chat_id is empty");
    const chat = typeof id === "number" ? this.chats.get(id) : undefined;
    if (typeof id === "number" && id > 0 && this.people.has(id)) return this.#directChat(id);
    if (chat === undefined) throw badRequest("chat not found");
    if (chat.migratedTo !== null) {
      const reason = "Bad Request: group chat was upgraded to a supergroup chat";
      throw new BotApiError(400, reason, { migrate_to_chat_id: chat.migratedTo });
    }
    if (chat.botStatus === "kicked") {
      throw forbidden(`bot was kicked from the ${chat.type} chat`);
    }
    return chat;
  }

  #directChat(id: number): StoredChat {
    const person = this.person(id);
    if (person.isDeactivated) throw forbidden("user is deactivated");
    if (person.hasBlocked) throw forbidden("bot was blocked by the user");
    if (person.isBot) throw forbidden("bots can't send messages to bots");
    if (!person.hasStarted) throw forbidden("bot can't initiate conversation with a user");
    return this.chat(id);
  }

  find(chat: StoredChat, id: unknown): StoredMessage | null {
    return chat.messages.find((message) => message.id === id && !message.isDeleted) ?? null;
  }
}
