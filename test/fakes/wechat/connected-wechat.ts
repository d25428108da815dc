import { setTimeout as pause } from "node:timers/promises";
import type { Puppet } from "wechaty-puppet";
import type { BotSeat, BotSource, SeatHandlers } from "../../../src/adapters/wechat/bot-source.ts";
import {
  WechatAdapter,
  type WechatAdapterOptions,
} from "../../../src/adapters/wechat/wechat-adapter.ts";
import { ACCOUNT_CAPABILITIES } from "../../../src/adapters/wechat/wechat-capabilities.ts";
import type { ChatCapabilities, ChatHandlers } from "../../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../../src/core/chat/chat-address.ts";
import type { IncomingMessage } from "../../../src/core/chat/incoming-message.ts";
import { systemClock } from "../../../src/system-clock.ts";
import { MemoryInbox } from "../memory-inbox.ts";
import { RecordedLog } from "../recorded-log.ts";
import { LabPuppet } from "./lab-puppet.ts";

const WAIT_MS = 10_000;
const POLL_MS = 5;

/** Waits for what is on its way; real time, because wechaty has timers of its own. */
export async function until(condition: () => boolean, waitMs = WAIT_MS): Promise<void> {
  const endMs = Date.now() + waitMs;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error("it did not happen in time");
    await pause(POLL_MS);
  }
}

/** What the core was told. */
export class RecordedHandlers implements ChatHandlers {
  readonly messages: IncomingMessage[] = [];
  readonly loginCodes: { readonly page: string; readonly code: string }[] = [];
  /** Thrown for the next message. */
  failure: Error | null = null;

  async onMessage(message: IncomingMessage): Promise<void> {
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    this.messages.push(message);
  }

  async onAction(): Promise<string | null> {
    return null;
  }

  async onReachable(): Promise<void> {}

  async onLoginCode(login: { readonly page: string; readonly code: string }): Promise<void> {
    this.loginCodes.push(login);
  }

  async onChatMoved(): Promise<void> {}
}

/** A source whose seats the test brings and takes away, each with a puppet of the lab. */
export class LabSource implements BotSource {
  readonly capabilities: ChatCapabilities;
  readonly problem = null;
  readonly puppets: LabPuppet[] = [];
  readonly confirmed: string[] = [];
  handlers: SeatHandlers | null = null;
  /** Prepares every new puppet. */
  onPuppet: (puppet: LabPuppet) => void = () => {};
  readonly #seats: readonly Partial<BotSeat>[];

  constructor(
    seats: readonly Partial<BotSeat>[] = [{}],
    capabilities: Partial<ChatCapabilities> = {},
  ) {
    this.#seats = seats;
    this.capabilities = { ...ACCOUNT_CAPABILITIES, ...capabilities };
  }

  /** The newest puppet. */
  get puppet(): LabPuppet {
    const puppet = this.puppets.at(-1);
    if (puppet === undefined) throw new Error("there is no puppet yet");
    return puppet;
  }

  async start(handlers: SeatHandlers): Promise<void> {
    this.handlers = handlers;
    for (const seat of this.#seats) handlers.onSeat(this.seat(seat));
  }

  async stop(): Promise<void> {}

  seat(more: Partial<BotSeat> = {}): BotSeat {
    return {
      name: "lab",
      personId: null,
      createPuppet: async (): Promise<Puppet> => {
        const puppet = new LabPuppet();
        puppet.addPerson("zhang", "张三");
        puppet.addPerson("li", "Li");
        puppet.addRoom("room@chatroom", ["zhang", "li"]);
        this.onPuppet(puppet);
        this.puppets.push(puppet);
        return puppet;
      },
      confirmMessage: (id) => this.confirmed.push(id),
      ...more,
    };
  }
}

/** An adapter on a source, with a core that only records. */
export class ConnectedWechat {
  readonly handlers = new RecordedHandlers();
  readonly log = new RecordedLog();
  readonly inbox: MemoryInbox;
  readonly adapter: WechatAdapter;

  constructor(source: BotSource, options: Partial<WechatAdapterOptions> = {}) {
    const inbox = new MemoryInbox();
    this.adapter = new WechatAdapter({
      source,
      friends: "all",
      acceptsRoomInvitations: false,
      loginPage: "/wechat",
      texts: { transferAnswer: () => "Please use a recharge card: /redeem CODE" },
      inbox,
      clock: systemClock,
      log: this.log,
      ...options,
    });
    this.inbox = inbox;
  }

  get messages(): readonly IncomingMessage[] {
    return this.handlers.messages;
  }

  async start(): Promise<void> {
    await this.adapter.start(this.handlers);
  }

  /** Resolves with the first message that has not been waited for. */
  async nextMessage(): Promise<IncomingMessage> {
    const index = this.#seen;
    this.#seen += 1;
    await until(() => this.messages.length > index);
    const message = this.messages[index];
    if (message === undefined) throw new Error("unreachable");
    return message;
  }

  #seen = 0;
}

export function chat(channel: string): ChatAddress {
  return { platform: "wechat", bot: "main", channel, thread: null };
}
