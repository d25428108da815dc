import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import type {
  ChatAdapter,
  ChatCapabilities,
  ChatHandlers,
  OutgoingFile,
  OutgoingMessage,
  SentMessage,
} from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { InboxStore } from "../../core/chat/inbox.ts";
import type { Sender } from "../../core/chat/incoming-message.ts";
import type { WebRoute } from "../../core/chat/web-route.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { SecretBox } from "../../core/upstream/secret-box.ts";
import { InboxRunner } from "../shared/inbox-runner.ts";
import { WechatOaApi } from "./wechat-oa-api.ts";
import { CUSTOMER_SERVICE_CAPABILITIES, PASSIVE_CAPABILITIES } from "./wechat-oa-capabilities.ts";
import { fileMessages } from "./wechat-oa-content.ts";
import { MessageCipher } from "./wechat-oa-crypto.ts";
import { WechatOaDispatcher } from "./wechat-oa-dispatcher.ts";
import { MessageEnvelope } from "./wechat-oa-envelope.ts";
import { WECHAT_OA } from "./wechat-oa-errors.ts";
import { WechatOaHttp } from "./wechat-oa-http.ts";
import { type MenuLabels, publishMenu } from "./wechat-oa-menu.ts";
import { chatAddress, routePayload } from "./wechat-oa-message.ts";
import { PassiveReplies } from "./wechat-oa-passive.ts";
import { loadPicture } from "./wechat-oa-picture.ts";
import { createSceneQr, type SceneQr } from "./wechat-oa-scene-qr.ts";
import { SendBudget } from "./wechat-oa-send-budget.ts";
import { WechatOaSender } from "./wechat-oa-sender.ts";
import { ServiceRight } from "./wechat-oa-service-right.ts";
import { WechatOaWebhook } from "./wechat-oa-webhook.ts";

const CONNECT_RETRY_MS = 1_000;
const CONNECT_RETRY_MS_MAX = 60_000;
const NOT_STARTED = "WeChat is not connected yet";
const INBOX_UNREADABLE = "WeChat: saved messages cannot be read from the database";

export interface WechatOaAdapterOptions {
  readonly appId: string;
  readonly appSecret: string;
  /** The token of the server configuration, which signs requests. */
  readonly token: string;
  /** The EncodingAESKey of the safe mode; `null` when messages come unencrypted. */
  readonly encodingAesKey: string | null;
  /** `null`: WeChat's own. */
  readonly apiRoot: string | null;
  /** The account may send customer-service messages; `true` unless said otherwise. */
  readonly hasCustomerService?: boolean;
  /** Where it may not: says that the answer is not ready, and that any message fetches it. */
  readonly stillWorkingText: string;
  /** `null` leaves the account's menu as it is. */
  readonly menu: MenuLabels | null;
  readonly inbox: InboxStore;
  readonly memory: AdapterMemory;
  /** Seals the access token in the memory. */
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A WeChat service account (服务号), by its webhook. Messages are saved before WeChat is told that
 * we have them. Answers are customer-service messages, or come inside the request of the message
 * where the account has no right to those.
 */
export class WechatOaAdapter implements ChatAdapter {
  readonly platform = WECHAT_OA;
  readonly bot: string;
  /** What the HTTP server has to route to us. */
  readonly routes: readonly WebRoute[];
  readonly #options: WechatOaAdapterOptions;
  readonly #log: Logger;
  readonly #api: WechatOaApi;
  readonly #right: ServiceRight;
  readonly #passive: PassiveReplies;
  readonly #dispatcher: WechatOaDispatcher;
  readonly #runner: InboxRunner;
  readonly #sender: WechatOaSender;
  readonly #webhook: WechatOaWebhook;
  readonly #stopping = new AbortController();
  #startProblem: string | null = NOT_STARTED;
  #isListening = false;
  #connecting: Promise<void> = Promise.resolve();

  /** Throws when `encodingAesKey` cannot be one. */
  constructor(options: WechatOaAdapterOptions) {
    const { appId: bot, encodingAesKey, apiRoot, inbox, memory, clock } = options;
    const log = options.log.child({ platform: WECHAT_OA, bot });
    const http = new WechatOaHttp(apiRoot);
    const api = new WechatOaApi({ ...options, http, log });
    const budget = new SendBudget(memory, clock);
    const right = new ServiceRight({ hasCustomerService: true, ...options, log });
    const passive = new PassiveReplies(options);
    const dispatcher = new WechatOaDispatcher({
      bot,
      budget,
      clock,
      log,
      loadPicture: (source, sizeBytesMax) => loadPicture(source, sizeBytesMax, { http, api }),
    });
    const runner = new InboxRunner({
      platform: WECHAT_OA,
      bot,
      store: inbox,
      clock,
      log,
      route: routePayload,
      handle: (payloads) => dispatcher.handle(payloads),
    });
    const cipher = encodingAesKey === null ? null : new MessageCipher(encodingAesKey, bot);
    this.#webhook = new WechatOaWebhook({
      bot,
      envelope: new MessageEnvelope(options.token, cipher),
      inbox,
      clock,
      log,
      passive: () => (right.isThere ? null : passive),
      target: {
        isReady: () => this.#isListening && !this.#stopping.signal.aborted && !runner.isFull,
        accept: (events) => runner.accept(events),
      },
    });
    this.#sender = new WechatOaSender({
      api,
      budget,
      right,
      passive,
      clock,
      onUnreachable: (openId) => void dispatcher.tellUnreachable(openId),
    });
    this.bot = bot;
    this.routes = [this.#webhook];
    this.#options = options;
    this.#log = log;
    this.#api = api;
    this.#right = right;
    this.#passive = passive;
    this.#dispatcher = dispatcher;
    this.#runner = runner;
  }

  get capabilities(): ChatCapabilities {
    return this.#right.isThere ? CUSTOMER_SERVICE_CAPABILITIES : PASSIVE_CAPABILITIES;
  }

  get problem(): string | null {
    return this.#startProblem ?? this.#api.problem ?? this.#webhook.problem;
  }

  /** Resolves once it listens, or once `problem` says why not; then it goes on trying. */
  async start(handlers: ChatHandlers): Promise<void> {
    this.#dispatcher.handlers = handlers;
    const isConnected = await this.#connect();
    this.#connecting = this.#keepConnecting(isConnected);
  }

  async stopListening(): Promise<void> {
    this.#stopping.abort();
    await this.#connecting;
    await this.#runner.drain();
  }

  async stop(): Promise<void> {
    await this.stopListening();
    this.#passive.stop();
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return await this.#sender.send(to, message);
  }

  async sendsLeft(to: ChatAddress): Promise<number> {
    return await this.#sender.sendsLeft(to);
  }

  sendsForFile(file: OutgoingFile): number {
    return fileMessages(file).length;
  }

  /** WeChat changes no messages: never called. */
  async edit(): Promise<void> {
    throw new OutsideError(WECHAT_OA, "rejected");
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    return await this.#sender.sendFile(to, file);
  }

  async showTyping(to: ChatAddress): Promise<void> {
    await this.#sender.showTyping(to);
  }

  async deleteMessage(): Promise<boolean> {
    return false;
  }

  /** There is no chat but this one. Sending fails unless they were in touch lately. */
  async openDirectChat(sender: Sender): Promise<ChatAddress | null> {
    return chatAddress(sender.platformUserId, this.bot);
  }

  /**
   * A QR code that leads to the account; scanning it sends `/start SCENE`, or `/link CODE` where
   * the scene is "link_CODE". `seconds`: how long it is valid, from a minute to 30 days; `null`: for ever. Throws `OutsideError`, or `RangeError`.
   */
  async createSceneQr(scene: string, seconds: number | null): Promise<SceneQr> {
    return await createSceneQr(this.#api, scene, seconds);
  }

  /** Messages come in as soon as the inbox is read; sending them needs WeChat as well. */
  async #connect(): Promise<boolean> {
    try {
      if (!this.#isListening) {
        await this.#right.load();
        await this.#runner.start();
        this.#isListening = true;
      }
      const isConnected = await this.#api.connect();
      this.#startProblem = null;
      return isConnected;
    } catch (error) {
      this.#startProblem = INBOX_UNREADABLE;
      this.#log.error({ err: error }, "wechat account not connected");
      return false;
    }
  }

  async #keepConnecting(isConnected: boolean): Promise<void> {
    const { clock, menu, memory } = this.#options;
    const signal = this.#stopping.signal;
    let waitMs = CONNECT_RETRY_MS;
    for (let isUp = isConnected; !isUp; isUp = await this.#connect()) {
      await clock.sleep(waitMs, signal);
      if (signal.aborted) return;
      waitMs = Math.min(waitMs * 2, CONNECT_RETRY_MS_MAX);
    }
    if (menu !== null) await publishMenu(menu, { api: this.#api, memory, log: this.#log });
  }
}
