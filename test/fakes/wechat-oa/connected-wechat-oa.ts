import { setTimeout as sleep } from "node:timers/promises";
import {
  WechatOaAdapter,
  type WechatOaAdapterOptions,
} from "../../../src/adapters/wechat-oa/wechat-oa-adapter.ts";
import type { ChatHandlers, OutgoingMessage } from "../../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../../src/core/chat/chat-address.ts";
import type { IncomingMessage } from "../../../src/core/chat/incoming-message.ts";
import { SecretBox } from "../../../src/core/upstream/secret-box.ts";
import { FakeClock } from "../fake-clock.ts";
import { MemoryAdapterMemory } from "../memory-adapter-memory.ts";
import { MemoryInbox } from "../memory-inbox.ts";
import { RecordedLog } from "../recorded-log.ts";
import { serve } from "../served-routes.ts";
import { WechatOaServer } from "./wechat-oa-server.ts";

const WAIT_MS = 5_000;

/** What the adapter told the core. */
export class RecordedCore implements ChatHandlers {
  readonly messages: IncomingMessage[] = [];
  readonly reachable: { readonly openId: string; readonly isReachable: boolean }[] = [];
  /** Thrown by the next messages. */
  readonly failures: Error[] = [];
  /** What is done with a message, such as answering it. */
  respond: (message: IncomingMessage) => Promise<void> = async () => {};

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  async onMessage(message: IncomingMessage): Promise<void> {
    this.messages.push(message);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    await this.respond(message);
  }

  async onAction(): Promise<string | null> {
    return null;
  }

  async onReachable(openId: string, isReachable: boolean): Promise<void> {
    this.reachable.push({ openId, isReachable });
  }

  async onLoginCode(): Promise<void> {}

  async onChatMoved(): Promise<void> {}
}

export interface ConnectOptions extends Partial<WechatOaAdapterOptions> {
  /** The one an earlier program talked to. */
  readonly server?: WechatOaServer;
  readonly clock?: FakeClock;
  readonly inbox?: MemoryInbox;
  readonly memory?: MemoryAdapterMemory;
}

/** An adapter behind our HTTP server, and the WeChat it talks to. Time stands still. */
export class ConnectedWechatOa implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly server: WechatOaServer;
  readonly inbox: MemoryInbox;
  readonly memory: MemoryAdapterMemory;
  readonly log = new RecordedLog();
  readonly core = new RecordedCore();
  readonly adapter: WechatOaAdapter;
  /** Where WeChat posts. */
  readonly url: string;
  readonly #stopServing: () => Promise<void>;
  readonly #ownsServer: boolean;

  private constructor(
    parts: Pick<ConnectedWechatOa, "clock" | "server" | "inbox" | "memory" | "log" | "adapter">,
    served: Awaited<ReturnType<typeof serve>>,
    ownsServer: boolean,
  ) {
    this.clock = parts.clock;
    this.server = parts.server;
    this.inbox = parts.inbox;
    this.memory = parts.memory;
    this.log = parts.log;
    this.adapter = parts.adapter;
    this.url = `${served.url}/webhooks/wechat-oa`;
    this.#stopServing = () => served.server.stop({ graceMs: 0 });
    this.#ownsServer = ownsServer;
    this.server.target = this.url;
  }

  /** Not started. */
  static async create(options: ConnectOptions = {}): Promise<ConnectedWechatOa> {
    const { clock = new FakeClock(), inbox = new MemoryInbox(), encodingAesKey = null } = options;
    const { memory = new MemoryAdapterMemory(), server: given } = options;
    const server = given ?? (await WechatOaServer.start({ clock, encodingAesKey }));
    const log = new RecordedLog();
    const adapter = new WechatOaAdapter({
      appId: server.appId,
      appSecret: server.appSecret,
      token: server.token,
      apiRoot: server.url,
      stillWorkingText: STILL_WORKING,
      menu: null,
      box: new SecretBox("a secret key for tests"),
      log,
      ...options,
      encodingAesKey,
      clock,
      inbox,
      memory,
    });
    const served = await serve(adapter.routes);
    const parts = { clock, server, inbox, memory, log, adapter };
    return new ConnectedWechatOa(parts, served, given === undefined);
  }

  /** Started, and listening. */
  static async start(options: ConnectOptions = {}): Promise<ConnectedWechatOa> {
    const wechat = await ConnectedWechatOa.create(options);
    await wechat.adapter.start(wechat.core);
    return wechat;
  }

  address(openId: string): ChatAddress {
    return { platform: "wechat-oa", bot: this.server.appId, channel: openId, thread: null };
  }

  /** Lets time pass once so many wait for it, so that nothing on the network is overtaken. */
  async pass(ms: number, sleepers: number): Promise<void> {
    await until(() => this.clock.sleepers === sleepers, `${sleepers} waiting`);
    await this.clock.advance(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.adapter.stop();
    await this.#stopServing();
    if (this.#ownsServer) await this.server[Symbol.asyncDispose]();
  }
}

export const STILL_WORKING = "还在思考，回复任意内容即可获取答案";

/** A message of ours, plain unless said otherwise. */
export function outgoing(text: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { text, format: "plain", buttons: [], replyTo: null, ...more };
}

/** Waits for the network, not for the clock of the test. */
export async function until(isTrue: () => boolean, what = "it"): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 2) {
    if (waitedMs >= WAIT_MS) throw new Error(`Waited in vain for ${what}`);
    await sleep(2);
  }
}
