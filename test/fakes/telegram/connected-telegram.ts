import {
  TelegramAdapter,
  type TelegramAdapterOptions,
} from "../../../src/adapters/telegram/telegram-adapter.ts";
import type { ChatHandlers, OutgoingMessage } from "../../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../../src/core/chat/chat-address.ts";
import type { IncomingAction, IncomingMessage } from "../../../src/core/chat/incoming-message.ts";
import { FakeClock } from "../fake-clock.ts";
import { MemoryInbox } from "../memory-inbox.ts";
import { RecordedLog } from "../recorded-log.ts";
import { TelegramServer, type TelegramServerOptions } from "../telegram-server.ts";

/** What the adapter told the core, and what the core answers. */
export class RecordedCore implements ChatHandlers {
  readonly messages: IncomingMessage[] = [];
  readonly actions: IncomingAction[] = [];
  readonly reachable: { readonly userId: string; readonly isReachable: boolean }[] = [];
  readonly moves: { readonly from: string; readonly to: string }[] = [];
  /** What a button press answers. */
  notice: string | null = null;
  /** Thrown by the next calls. */
  readonly failures: Error[] = [];

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  async onMessage(message: IncomingMessage): Promise<void> {
    this.messages.push(message);
    this.#fail();
  }

  async onAction(action: IncomingAction): Promise<string | null> {
    this.actions.push(action);
    this.#fail();
    return this.notice;
  }

  async onReachable(userId: string, isReachable: boolean): Promise<void> {
    this.reachable.push({ userId, isReachable });
  }

  async onLoginCode(): Promise<void> {}

  async onChatMoved(from: ChatAddress, to: ChatAddress): Promise<void> {
    this.moves.push({ from: from.channel, to: to.channel });
  }

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

/** An adapter and the Telegram it talks to. Time passes by itself; flood limits are off. */
export class ConnectedTelegram implements AsyncDisposable {
  readonly server: TelegramServer;
  readonly adapter: TelegramAdapter;
  readonly core = new RecordedCore();
  readonly log: RecordedLog;
  readonly inbox: MemoryInbox;
  readonly #ownsServer: boolean;

  private constructor(
    server: TelegramServer,
    ownsServer: boolean,
    options: Partial<TelegramAdapterOptions> & { readonly inbox: MemoryInbox },
  ) {
    this.server = server;
    this.#ownsServer = ownsServer;
    this.log = new RecordedLog();
    this.inbox = options.inbox;
    this.adapter = new TelegramAdapter({
      token: server.token,
      apiRoot: server.url,
      mode: "poll",
      webhook: null,
      clock: new FakeClock({ autoAdvance: true }),
      log: this.log,
      commandMenu: { people: {}, admins: {}, adminChats: [] },
      ...options,
    });
  }

  /** Not started: for sending, or to start later. Give `server` to connect a second program. */
  static async create(
    options: Partial<TelegramAdapterOptions> & {
      readonly server?: TelegramServer;
      readonly serverOptions?: TelegramServerOptions;
      readonly inbox?: MemoryInbox;
    } = {},
  ): Promise<ConnectedTelegram> {
    const { server: given, serverOptions, inbox = new MemoryInbox(), ...more } = options;
    const settings = { rateLimits: false, ...serverOptions?.settings };
    const server = given ?? (await TelegramServer.start({ ...serverOptions, settings }));
    try {
      return new ConnectedTelegram(server, given === undefined, { ...more, inbox });
    } catch (error) {
      if (given === undefined) await server.stop();
      throw error;
    }
  }

  /** Started, and listening. */
  static async start(
    options: Parameters<typeof ConnectedTelegram.create>[0] = {},
  ): Promise<ConnectedTelegram> {
    const telegram = await ConnectedTelegram.create(options);
    await telegram.adapter.start(telegram.core);
    return telegram;
  }

  address(channel: number, thread: number | null = null): ChatAddress {
    return {
      platform: "telegram",
      bot: String(this.server.botId),
      channel: String(channel),
      thread: thread === null ? null : String(thread),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.adapter.stop();
    if (this.#ownsServer) await this.server.stop();
  }
}

/** A message of ours, plain unless said otherwise. */
export function outgoing(text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { text, format: "plain", buttons: [], replyTo: null, ...more };
}
