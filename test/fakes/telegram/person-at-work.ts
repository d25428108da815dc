import { type Entity, findEntities } from "./entities.ts";
import { chatPayload, messagePayload, userPayload } from "./payloads.ts";
import type { ServerState } from "./state.ts";
import type { Person, StoredChat, StoredMessage } from "./world.ts";

/** Where a person writes; without a chat it is their private chat with the bot. */
export interface Where {
  readonly chat?: number;
  readonly thread?: number;
}

export interface WriteOptions extends Where {
  readonly replyTo?: number;
  /** Instead of those Telegram would find in the text. */
  readonly entities?: readonly Entity[];
  /** Further fields of the message, as the Bot API shows them. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface MediaFile {
  readonly name?: string;
  readonly mediaType?: string;
  readonly content: string | Uint8Array;
}

export interface Press {
  readonly id: string;
  /** What the bot shows to the person who pressed; `null` for nothing. */
  readonly answered: Promise<string | null>;
}

let albums = 0;

/** A person with Telegram in their hands. What they do reaches the bot as updates. */
export class PersonAtWork {
  readonly id: number;
  readonly #state: ServerState;

  constructor(id: number, state: ServerState) {
    this.id = id;
    this.#state = state;
  }

  get #person(): Person {
    return this.#state.world.person(this.id);
  }

  /** Returns the id of the message. */
  writes(text: string, options: WriteOptions = {}): number {
    const { entities = findEntities(text), extra = {} } = options;
    return this.#post(text, entities, extra, options);
  }

  /** A photo in the sizes given; Telegram names the smallest first. */
  sendsPhoto(sizes: readonly Uint8Array[], caption = "", options: WriteOptions = {}): number {
    const photo = sizes.map((content, index) => ({
      ...this.#store({ content, name: "photo.jpg" }),
      width: 90 * (index + 1),
      height: 90 * (index + 1),
    }));
    const { entities = findEntities(caption), extra = {} } = options;
    return this.#post(caption, entities, { photo, ...extra }, options);
  }

  /** Photos that belong together; the caption stands at the first. */
  sendsAlbum(photos: readonly Uint8Array[], caption = "", options: WriteOptions = {}): number[] {
    albums += 1;
    const extra = { media_group_id: `album-${albums}` };
    return photos.map((content, index) =>
      this.sendsPhoto([content], index === 0 ? caption : "", { ...options, extra }),
    );
  }

  sendsDocument(file: MediaFile, caption = "", options: WriteOptions = {}): number {
    return this.sendsMedia("document", file, caption, options);
  }

  /** `kind`: "voice", "video", "audio", "sticker" … */
  sendsMedia(kind: string, file: MediaFile, caption = "", options: WriteOptions = {}): number {
    const entities = options.entities ?? findEntities(caption);
    return this.#post(caption, entities, { [kind]: this.#store(file) }, options);
  }

  edits(messageId: number, text: string, where: Where = {}): void {
    const { world, queue } = this.#state;
    const chat = this.#chat(where);
    const message = world.find(chat, messageId);
    if (message === null) throw new Error(`there is no message ${messageId}`);
    message.text = text;
    message.entities = findEntities(text);
    message.edits += 1;
    if (this.#botHears(chat, message)) {
      queue.push("edited_message", messagePayload(world, chat, message));
    }
  }

  /** Presses the button with that label or that data. */
  presses(messageId: number, button: string, where: Where = {}): Press {
    const { world, queue, presses } = this.#state;
    const chat = this.#chat(where);
    const message = world.find(chat, messageId);
    const buttons = message?.buttons?.flat() ?? [];
    const pressed = buttons.find(
      ({ text, callback_data }) => text === button || callback_data === button,
    );
    if (message === null || pressed === undefined) throw new Error(`there is no button ${button}`);
    const id = String(presses.size + 1);
    const answered = Promise.withResolvers<string | null>();
    presses.set(id, { id, at: this.#state.now(), answered, isOpen: true });
    queue.push("callback_query", {
      id,
      from: userPayload(this.#person),
      message: messagePayload(world, chat, message),
      chat_instance: String(chat.id),
      data: pressed.callback_data,
    });
    return { id, answered: answered.promise };
  }

  blocks(): void {
    this.#person.hasBlocked = true;
    this.#tellMembership("member", "kicked");
  }

  unblocks(): void {
    this.#person.hasBlocked = false;
    this.#tellMembership("kicked", "member");
  }

  deletesAccount(): void {
    this.#person.isDeactivated = true;
  }

  #post(
    text: string,
    entities: readonly Entity[],
    extra: Readonly<Record<string, unknown>>,
    options: WriteOptions,
  ): number {
    const { world, queue, rates } = this.#state;
    const chat = this.#chat(options);
    if (chat.type === "private") this.#person.hasStarted = true;
    const message = world.addMessage(chat, {
      senderId: this.id,
      text,
      entities,
      extra,
      threadId: options.thread ?? null,
      replyTo: options.replyTo ?? null,
    });
    rates.heard(chat.id);
    if (this.#botHears(chat, message)) {
      queue.push("message", messagePayload(world, chat, message));
    }
    return message.id;
  }

  #chat({ chat: id = this.id, thread }: Where): StoredChat {
    const chat = this.#state.world.chat(id);
    if (thread !== undefined) chat.topics.add(thread);
    return chat;
  }

  /** Group privacy: commands that are not another bot's, mentions of the bot, replies to it. */
  #botHears(chat: StoredChat, message: StoredMessage): boolean {
    const { world, settings } = this.#state;
    if (chat.botStatus === "kicked" || this.#person.hasBlocked) return false;
    const isOpen = chat.type === "private" || chat.botStatus === "administrator";
    if (isOpen || !settings.privacy) return true;
    const name = `@${world.bot.username}`.toLowerCase();
    const named = message.entities.some(({ type, offset, length, user }) => {
      const text = message.text.slice(offset, offset + length).toLowerCase();
      const isCommand = type === "bot_command" && (!text.includes("@") || text.endsWith(name));
      const isMention = type === "mention" && text === name;
      return isCommand || isMention || user?.id === world.bot.id;
    });
    const replied = chat.messages.find(({ id }) => id === message.replyTo);
    return named || replied?.senderId === world.bot.id;
  }

  #store({ content, name = "file", mediaType }: MediaFile) {
    const { files } = this.#state;
    const id = `file-${files.size + 1}`;
    const bytes = Buffer.from(content);
    files.set(id, { path: `files/${id}`, content: bytes });
    return {
      file_id: id,
      file_unique_id: `unique-${id}`,
      file_name: name,
      file_size: bytes.length,
      ...(mediaType !== undefined && { mime_type: mediaType }),
    };
  }

  #tellMembership(before: string, after: string): void {
    const { world, queue, now } = this.#state;
    const user = userPayload(world.bot);
    queue.push("my_chat_member", {
      chat: chatPayload(world, world.chat(this.id)),
      from: userPayload(this.#person),
      date: Math.floor(now() / 1000),
      old_chat_member: { user, status: before },
      new_chat_member: { user, status: after },
    });
  }
}
