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
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { EventIntake } from "../shared/event-intake.ts";
import { InboxRunner } from "../shared/inbox-runner.ts";
import type { BotSource } from "./bot-source.ts";
import { WechatDispatcher, type WechatTexts } from "./wechat-dispatcher.ts";
import { describeFault, WECHAT } from "./wechat-errors.ts";
import { eventIdOf, routeEvent, type WechatEvent } from "./wechat-event.ts";
import { type FriendPolicy, WechatListener } from "./wechat-listener.ts";
import { WechatSeats } from "./wechat-seats.ts";
import { WechatSender } from "./wechat-sender.ts";

/** A new login changes the account's own id, so people are known under this name of ours. */
const BOT = "main";
/** `start` resolves after so long also when nobody is logged in. */
const START_WAIT_MS = 15_000;
const START_RETRY_MS = 1_000;
const START_RETRY_MS_MAX = 30_000;

export interface WechatAdapterOptions {
  readonly source: BotSource;
  readonly friends: FriendPolicy;
  /** Enter every group that somebody invites the bot to. */
  readonly acceptsRoomInvitations: boolean;
  /** The page of ours that shows the newest code to scan, such as "/wechat". */
  readonly loginPage: string;
  readonly texts: WechatTexts;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Personal WeChat through wechaty, whatever carries it: our own puppet on Tencent's API or the
 * host of somebody else. Each login has a bot of its own; all are one bot to the core.
 */
export class WechatAdapter implements ChatAdapter {
  readonly platform = WECHAT;
  readonly bot = BOT;
  readonly capabilities: ChatCapabilities;
  readonly sendsLeft?: (to: ChatAddress) => Promise<number>;
  readonly sendsForFile?: (file: OutgoingFile) => number;
  readonly #options: WechatAdapterOptions;
  readonly #log: Logger;
  readonly #seats: WechatSeats;
  readonly #intake: EventIntake<WechatEvent>;
  readonly #runner: InboxRunner;
  readonly #dispatcher: WechatDispatcher;
  readonly #sender: WechatSender;
  readonly #stopping = new AbortController();
  #handlers: ChatHandlers | null = null;
  #startProblem: string | null = "WeChat is not connected yet";
  #loginCode: string | null = null;
  #isInboxRead = false;
  #starting: Promise<void> = Promise.resolve();

  constructor(options: WechatAdapterOptions) {
    const { source, inbox, clock, texts } = options;
    const log = options.log.child({ platform: WECHAT, bot: BOT });
    this.capabilities = source.capabilities;
    this.#options = options;
    this.#log = log;
    this.#seats = new WechatSeats({
      listenersFor: (seat) =>
        new WechatListener(seat, {
          ...options,
          intake: this.#intake,
          onLoginCode: (code) => this.#tellLoginCode(code),
        }),
      knows: async (personId) => (await source.knows?.(personId)) ?? false,
      clock,
      log,
    });
    const parts = { bot: BOT, seats: this.#seats, clock, log };
    const sender = new WechatSender({ ...parts, capabilities: source.capabilities });
    this.#sender = sender;
    this.#dispatcher = new WechatDispatcher({ ...parts, sender, texts });
    this.#runner = new InboxRunner({
      platform: WECHAT,
      bot: BOT,
      store: inbox,
      clock,
      log,
      route: routeEvent,
      handle: (payloads) => this.#dispatcher.handle(payloads),
    });
    this.#intake = new EventIntake({
      ...{ platform: WECHAT, platformName: "WeChat", bot: BOT, eventIdOf },
      ...{ inbox, target: this.#runner, clock, log },
    });
    if (source.capabilities.sendsPerMessageMax !== null) {
      this.sendsLeft = (to) => sender.sendsLeft(to);
      this.sendsForFile = (file) => sender.sendsForFile(file);
    }
  }

  get problem(): string | null {
    const { source } = this.#options;
    return this.#startProblem ?? source.problem ?? this.#intake.problem ?? this.#seats.problem;
  }

  /** Somebody has to scan a code before anybody can write to us. */
  get isWaitingForLogin(): boolean {
    return this.#options.source.isWaitingForLogin === true || this.#seats.isWaitingForLogin;
  }

  /** The newest code to scan; `null` when there is none to scan. */
  get loginCode(): string | null {
    return this.isWaitingForLogin ? this.#loginCode : null;
  }

  /** Resolves once it listens, or once `problem` says why not; then it goes on trying. */
  async start(handlers: ChatHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#dispatcher.handlers = handlers;
    const isUp = await this.#open();
    if (!isUp) this.#starting = this.#keepOpening();
  }

  async stopListening(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    await this.#intake.drain();
    await this.#runner.drain();
  }

  async stop(): Promise<void> {
    await this.stopListening();
    await this.#seats.stop();
    // What was heard until now is saved for the next start, and then the source may know it.
    await this.#intake.drain();
    await this.#options.source.stop();
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return await this.#sender.send(to, message);
  }

  /** Nothing can be changed once it was sent. */
  async edit(): Promise<void> {
    throw new OutsideError(WECHAT, "rejected");
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    return await this.#sender.sendFile(to, file);
  }

  async showTyping(to: ChatAddress): Promise<void> {
    await this.#sender.showTyping(to);
  }

  /** Nobody can take back what somebody else wrote. */
  async deleteMessage(): Promise<boolean> {
    return false;
  }

  async openDirectChat(sender: Sender): Promise<ChatAddress | null> {
    return await this.#sender.openDirectChat(sender);
  }

  async #open(): Promise<boolean> {
    const { source, clock } = this.#options;
    try {
      if (!this.#isInboxRead) await this.#runner.start();
      this.#isInboxRead = true;
    } catch (error) {
      this.#startProblem = "WeChat: saved events cannot be read from the database";
      this.#log.error({ err: error }, "inbox cannot be read");
      return false;
    }
    try {
      await source.start({
        onSeat: (seat) => this.#seats.add(seat),
        onSeatGone: (name) => this.#seats.remove(name),
        onLoginCode: (code) => this.#tellLoginCode(code),
      });
    } catch (error) {
      this.#startProblem = "WeChat cannot be started";
      this.#log.error(describeFault(error), "wechat source not started");
      return false;
    }
    this.#startProblem = null;
    const settled = new AbortController();
    void this.#seats.settled().then(() => settled.abort());
    await clock.sleep(START_WAIT_MS, AbortSignal.any([settled.signal, this.#stopping.signal]));
    return true;
  }

  async #keepOpening(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    for (let waitMs = START_RETRY_MS; !signal.aborted; ) {
      await clock.sleep(waitMs, signal);
      if (signal.aborted || (await this.#open())) return;
      waitMs = Math.min(waitMs * 2, START_RETRY_MS_MAX);
    }
  }

  async #tellLoginCode(code: string): Promise<void> {
    this.#loginCode = code;
    const { loginPage } = this.#options;
    await this.#handlers?.onLoginCode({ page: loginPage, code });
  }
}
