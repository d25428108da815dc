import type { WSClient } from "@wecom/aibot-node-sdk";
import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import type {
  ChatAdapter,
  ChatHandlers,
  OutgoingFile,
  OutgoingMessage,
  SentMessage,
} from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { InboxStore } from "../../core/chat/inbox.ts";
import type { Sender } from "../../core/chat/incoming-message.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { EventIntake } from "../shared/event-intake.ts";
import { InboxRunner } from "../shared/inbox-runner.ts";
import { WECOM_CAPABILITIES } from "./wecom-capabilities.ts";
import { WecomDirectChats } from "./wecom-direct-chats.ts";
import { WecomDispatcher } from "./wecom-dispatcher.ts";
import { WECOM } from "./wecom-errors.ts";
import { WecomLink } from "./wecom-link.ts";
import { chatAddress, routeMessage } from "./wecom-message.ts";
import type { SavedMessage } from "./wecom-payload.ts";
import { WecomRequests } from "./wecom-requests.ts";
import { WecomSender } from "./wecom-sender.ts";

/** `start` resolves after so long also when WeCom does not answer. */
const START_WAIT_MS = 15_000;
const INBOX_RETRY_MS = 2_000;

export interface WecomAdapterOptions {
  readonly botId: string;
  /** The secret of the long connection. */
  readonly secret: string;
  /** `null`: WeCom's own. */
  readonly webSocketUrl: string | null;
  /** Greets whoever opens the chat for the first time on a day; `null`: nobody is greeted. */
  readonly welcomeText: string | null;
  readonly inbox: InboxStore;
  readonly memory: AdapterMemory;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A smart bot of WeCom (企业微信智能机器人) by its long connection: answers grow in a stream. Every
 * message is saved before it is handled. WeCom allows one connection a bot, and what it sends while
 * there is none is lost; so the connection stays until `stop`, and what comes after
 * `stopListening` is kept for the next start.
 */
export class WecomAdapter implements ChatAdapter {
  readonly platform = WECOM;
  readonly bot: string;
  readonly capabilities = WECOM_CAPABILITIES;
  readonly #options: WecomAdapterOptions;
  readonly #log: Logger;
  readonly #link: WecomLink;
  readonly #intake: EventIntake<SavedMessage>;
  readonly #runner: InboxRunner;
  readonly #dispatcher: WecomDispatcher;
  readonly #directChats: WecomDirectChats;
  readonly #sender: WecomSender;
  readonly #stopping = new AbortController();
  #startProblem: string | null = null;
  #listening: Promise<void> = Promise.resolve();

  constructor(options: WecomAdapterOptions) {
    const { botId: bot, inbox, clock } = options;
    const log = options.log.child({ platform: WECOM, bot });
    const requests = new WecomRequests(clock);
    const directChats = new WecomDirectChats(options.memory);
    this.bot = bot;
    this.#options = options;
    this.#log = log;
    this.#directChats = directChats;
    this.#link = new WecomLink({
      ...options,
      log,
      onMessage: (frame) => this.#dispatcher.receive(frame),
      onEvent: (frame, client: WSClient) => this.#dispatcher.receiveEvent(frame, client),
    });
    this.#runner = new InboxRunner({
      ...{ platform: WECOM, bot, store: inbox, clock, log, route: routeMessage },
      handle: (payloads) => this.#dispatcher.handle(payloads),
    });
    this.#intake = new EventIntake({
      ...{ platform: WECOM, platformName: "WeCom", bot, inbox, target: this.#runner, clock, log },
      eventIdOf: ({ message }) => message.msgid,
    });
    this.#dispatcher = new WecomDispatcher({
      ...{ bot, requests, directChats, intake: this.#intake, clock, log },
      welcomeText: options.welcomeText,
    });
    this.#sender = new WecomSender({ link: this.#link, requests, clock });
  }

  get problem(): string | null {
    return this.#startProblem ?? this.#link.problem ?? this.#intake.problem;
  }

  /** Resolves once it listens, or once `problem` says why not; then it goes on trying. */
  async start(handlers: ChatHandlers): Promise<void> {
    this.#dispatcher.handlers = handlers;
    const started = new AbortController();
    this.#listening = this.#listen(() => started.abort());
    const signal = AbortSignal.any([started.signal, this.#stopping.signal]);
    await this.#options.clock.sleep(START_WAIT_MS, signal);
  }

  async stopListening(): Promise<void> {
    this.#link.yield();
    await this.#runner.drain();
  }

  async stop(): Promise<void> {
    await this.stopListening();
    this.#stopping.abort();
    await this.#listening;
    await this.#intake.drain();
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return await this.#sender.send(to, message);
  }

  async edit(message: SentMessage, content: OutgoingMessage): Promise<void> {
    await this.#sender.edit(message, content);
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    return await this.#sender.sendFile(to, file);
  }

  /** Never called: an open stream shows that somebody writes. */
  async showTyping(): Promise<void> {}

  /** WeCom lets a bot delete nothing. */
  async deleteMessage(): Promise<boolean> {
    return false;
  }

  /** Only whoever wrote to the bot alone can be written to alone. */
  async openDirectChat({ platformUserId }: Sender): Promise<ChatAddress | null> {
    const isOpen = await this.#directChats.isOpen(platformUserId);
    return isOpen ? chatAddress(platformUserId, this.bot) : null;
  }

  async #listen(onSettled: () => void): Promise<void> {
    const { signal } = this.#stopping;
    while (!(await this.#readInbox())) {
      onSettled();
      await this.#options.clock.sleep(INBOX_RETRY_MS, signal);
      if (signal.aborted) return;
    }
    await this.#link.run(signal, onSettled);
  }

  /** What was left unhandled comes before what is new. */
  async #readInbox(): Promise<boolean> {
    try {
      await this.#runner.start();
      this.#startProblem = null;
      return true;
    } catch (error) {
      this.#startProblem = "WeCom: saved messages cannot be read from the database";
      this.#log.error({ err: error }, "inbox cannot be read");
      return false;
    }
  }
}
