import {
  WecomAdapter,
  type WecomAdapterOptions,
} from "../../../src/adapters/wecom/wecom-adapter.ts";
import type { ChatHandlers, OutgoingMessage } from "../../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../../src/core/chat/chat-address.ts";
import type { IncomingMessage } from "../../../src/core/chat/incoming-message.ts";
import { MovableClock } from "../discord/movable-clock.ts";
import { MemoryAdapterMemory } from "../memory-adapter-memory.ts";
import { MemoryInbox } from "../memory-inbox.ts";
import { RecordedLog } from "../recorded-log.ts";
import { WecomServer } from "./wecom-server.ts";

export const BOT_ID = "aib_dianka";
export const SECRET = "a-secret-nobody-may-read";

/** What the adapter told the core, and what is done with it. */
export class RecordedCore implements ChatHandlers {
  readonly messages: IncomingMessage[] = [];
  answer: (message: IncomingMessage) => Promise<void> = async () => {};

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  async onMessage(message: IncomingMessage): Promise<void> {
    this.messages.push(message);
    await this.answer(message);
  }

  async onAction(): Promise<null> {
    return null;
  }

  async onReachable(): Promise<void> {}

  async onChatMoved(): Promise<void> {}

  async onLoginCode(): Promise<void> {}
}

/** A strict WeCom and a clock that can be moved. */
export class WecomWorld implements AsyncDisposable {
  readonly clock: MovableClock;
  readonly server: WecomServer;

  private constructor(clock: MovableClock, server: WecomServer) {
    this.clock = clock;
    this.server = server;
  }

  static async start(): Promise<WecomWorld> {
    const clock = new MovableClock();
    const now = () => clock.now().getTime();
    const server = await WecomServer.start({ botId: BOT_ID, secret: SECRET, now });
    return new WecomWorld(clock, server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** An adapter at that WeCom. */
export class ConnectedWecom implements AsyncDisposable {
  readonly world: WecomWorld;
  readonly adapter: WecomAdapter;
  readonly core = new RecordedCore();
  readonly log = new RecordedLog();
  readonly inbox: MemoryInbox;
  readonly memory: MemoryAdapterMemory;

  constructor(
    world: WecomWorld,
    options: Partial<WecomAdapterOptions> & {
      readonly inbox?: MemoryInbox;
      readonly memory?: MemoryAdapterMemory;
    } = {},
  ) {
    this.world = world;
    this.inbox = options.inbox ?? new MemoryInbox();
    this.memory = options.memory ?? new MemoryAdapterMemory();
    this.adapter = new WecomAdapter({
      ...{ botId: BOT_ID, secret: SECRET, webSocketUrl: world.server.url, welcomeText: null },
      ...{ clock: world.clock, log: this.log, ...options, inbox: this.inbox, memory: this.memory },
    });
  }

  static async start(
    world: WecomWorld,
    options: ConstructorParameters<typeof ConnectedWecom>[1] = {},
  ): Promise<ConnectedWecom> {
    const wecom = new ConnectedWecom(world, options);
    await wecom.adapter.start(wecom.core);
    return wecom;
  }

  /** Somebody writes; resolves when the core has it. */
  async hear(
    text: string,
    where: { readonly from?: string; readonly group?: string } = {},
  ): Promise<IncomingMessage> {
    const msgid = this.world.server.says(text, where);
    return await this.heard(msgid);
  }

  async heard(msgid: string): Promise<IncomingMessage> {
    await until(() => this.core.messages.some(({ id }) => id === msgid));
    const message = this.core.messages.find(({ id }) => id === msgid);
    if (message === undefined) throw new Error("not heard");
    return message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.adapter.stop();
  }
}

export function address(channel: string): ChatAddress {
  return { platform: "wecom", bot: BOT_ID, channel, thread: null };
}

/** A message of ours, complete unless said otherwise. */
export function outgoing(text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { text, format: "markdown", buttons: [], replyTo: null, ...more };
}

/** A preview, of which more is to come. */
export function draft(text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return outgoing(text, { format: "plain", isDraft: true, ...more });
}

/** Waits for what happens by itself. */
export async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
