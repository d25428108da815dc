import type { TelegramServer } from "./telegram-server.ts";

const WAIT_MS = 15_000;

const GROUP = -100_500;

/** An admin in an admin group on Telegram, from where other platforms are looked after. */
export class AdminOnTelegram {
  readonly #server: TelegramServer;
  readonly #user: number;

  constructor(server: TelegramServer, user = 900) {
    this.#server = server;
    this.#user = user;
    server.user(user);
    server.group(GROUP);
  }

  /** What makes the group an admin chat. */
  get environment(): Record<string, string> {
    return {
      TELEGRAM_BOT_TOKEN: this.#server.token,
      TELEGRAM_API_ROOT: this.#server.url,
      ADMIN_CHATS: `telegram:${GROUP}`,
      ADMIN_USERS: `telegram:${this.#user}`,
    };
  }

  /** What the bot has shown here with these words in it. */
  read(words: string): string[] {
    return this.#server
      .messages(GROUP)
      .filter(({ isBot, text }) => isBot && text.includes(words))
      .map(({ text }) => text);
  }

  /** Resolves with the first answer that has these words. */
  async say(text: string, words: string): Promise<string> {
    const known = this.#server.messages(GROUP).length;
    this.#server.user(this.#user).writes(text, { chat: GROUP });
    const answer = await this.#server.waitFor(
      () =>
        this.#server
          .messages(GROUP)
          .slice(known)
          .find((message) => message.isBot && message.text.includes(words)),
      WAIT_MS,
    );
    return answer.text;
  }

  /** The codes of a new batch. */
  async makeCards(batch: string, terms: string): Promise<string[]> {
    await this.say(`/cards new ${batch} ${terms}`, batch);
    const file = await this.#server.waitFor(
      () =>
        this.#server.messages(GROUP).find(({ document }) => document?.name === `${batch}.txt`)
          ?.document,
      WAIT_MS,
    );
    return file.content.trim().split("\n");
  }
}
