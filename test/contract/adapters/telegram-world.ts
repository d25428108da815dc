import { TelegramAdapter } from "../../../src/adapters/telegram/telegram-adapter.ts";
import { TelegramServer } from "../../fakes/telegram-server.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

const SENDING = new Set(["sendMessage", "sendRichMessage"]);
const CHANGING = [...SENDING, "editMessageText"];

type Update = TelegramServer["state"]["queue"]["pending"][number];

/** Telegram, with its flood limits on. */
export class TelegramWorld implements ChatWorld {
  readonly clock: FastClock;
  /** https://core.telegram.org/bots/api#sendmessage; a rich message holds more. */
  readonly pieceMax = { characters: 4_096, bytes: Number.POSITIVE_INFINITY };
  readonly blockedAs = "chat_gone";
  readonly repeats = false;
  readonly keepsOrder = true;
  readonly asides = [];
  readonly #server: TelegramServer;
  #people = 0;

  private constructor(clock: FastClock, server: TelegramServer) {
    this.clock = clock;
    this.#server = server;
  }

  static async open(): Promise<TelegramWorld> {
    const clock = new FastClock();
    const server = await TelegramServer.start({ now: () => clock.now().getTime() });
    return new TelegramWorld(clock, server);
  }

  async connect({ inbox, log }: AdapterParts): Promise<ConnectedAdapter> {
    const adapter = new TelegramAdapter({
      ...{ token: this.#server.token, apiRoot: this.#server.url, mode: "poll", webhook: null },
      ...{ inbox, clock: this.clock, log },
      commandMenu: { people: {}, admins: {}, adminChats: [] },
    });
    return { adapter, ready: async () => {}, end: async () => {} };
  }

  async newPerson(): Promise<WorldPerson> {
    this.#people += 1;
    const id = 1_000 + this.#people;
    const server = this.#server;
    const user = server.user(id, { firstName: `P${id}` });
    const writes = async (text: string) => {
      user.writes(text);
      const update = server.state.queue.pending.at(-1);
      return { again: async () => update && this.#again(id, update) };
    };
    return {
      channel: String(id),
      writes,
      commands: async (text) => void (await writes(text)),
      seen: async () => this.#shown(id).map(({ text }) => text),
      pressesStop: async () => {
        const [message] = this.#shown(id).filter(({ buttons }) => buttons.length > 0);
        const stop = message?.buttons.find(({ data }) => data?.startsWith("stop"));
        if (!message || !stop?.data) throw new Error("there is no button that stops");
        user.presses(message.id, stop.data);
      },
      blocks: async () => user.blocks(),
    };
  }

  flood = (times: number) => {
    const countRefused = () => this.#server.calls.filter(({ code }) => code === 429).length;
    const before = countRefused();
    const fault = { code: 429, description: "Too Many Requests", retryAfter: 3 };
    for (const method of CHANGING) this.#server.fail(method, fault, times);
    return () => countRefused() - before;
  };

  sends(): number {
    return this.#server.calls.filter(({ method }) => SENDING.has(method)).length;
  }

  complaints(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  #shown(chat: number) {
    return this.#server.messages(chat).filter(({ isBot }) => isBot);
  }

  /** Telegram brings what was not confirmed once more, beside something new. */
  #again(id: number, update: Update): void {
    const { queue } = this.#server.state;
    (queue.pending as Update[]).unshift(update);
    this.#server.user(id).unblocks();
  }
}
