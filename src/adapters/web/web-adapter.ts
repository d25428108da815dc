import type { AnswerPages } from "../../core/chat/answer-pages.ts";
import type {
  ChatAdapter,
  ChatHandlers,
  OutgoingFile,
  OutgoingMessage,
  SentMessage,
} from "../../core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Sender } from "../../core/chat/incoming-message.ts";
import type { WebMessageContent, WebMessageStore } from "../../core/chat/web-message-store.ts";
import type { WebPanel } from "../../core/chat/web-panel.ts";
import type { WebRoute } from "../../core/chat/web-route.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { MemoryRateLimiter } from "../../core/quota/rate-limiter.ts";
import { AdminKeyGuard } from "./admin-key-guard.ts";
import { WebAssets } from "./web-assets.ts";
import { TYPING_MS, WEB_CAPABILITIES } from "./web-capabilities.ts";
import { WebEvents } from "./web-events.ts";
import { WebFileShelf } from "./web-file-shelf.ts";
import {
  createAdminPageRoutes,
  createAnswerRoute,
  createAssetsRoute,
  createChatPageRoute,
} from "./web-page-routes.ts";
import { createChatRoutes } from "./web-routes.ts";
import { WebSession } from "./web-session.ts";
import { WebTranscript } from "./web-transcript.ts";
import { addressOf, admins, isUserId, visitors, WEB } from "./web-viewers.ts";

export interface WebAdapterOptions {
  readonly store: WebMessageStore;
  readonly panel: WebPanel;
  /** Pages of single answers at `/answers/TOKEN`; `null`: there are none. */
  readonly answers: AnswerPages | null;
  /** Signs the cookies; at least 32 bytes, the same after a restart. */
  readonly sessionKey: Uint8Array;
  /** Opens the admin chat at `/admin-chat#KEY`; `null`: there is none. */
  readonly adminKey: string | null;
  /** Others reach us over https. */
  readonly isSecure: boolean;
  /** The public chat at `/` is served too, not only the admin chat. */
  readonly isChatOpen: boolean;
  /** Hides card codes in a text before it is stored or shown in other tabs. */
  readonly maskText: (text: string) => string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The web chat as a platform: its pages in browsers are the chat clients, this is their server.
 * Messages are kept in a `WebMessageStore`; the contents of files only in memory, for a quarter of
 * an hour. The routes work from `start` on; until then, and after `stopListening`, messages of
 * people are refused in a way that makes the page send them again.
 */
export class WebAdapter implements ChatAdapter {
  readonly platform = WEB.platform;
  readonly bot = WEB.bot;
  readonly capabilities = WEB_CAPABILITIES;
  readonly problem = null;
  readonly routes: readonly WebRoute[];
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #events: WebEvents;
  readonly #files: WebFileShelf;
  readonly #transcript: WebTranscript;
  readonly #running = new Set<Promise<unknown>>();
  #handlers: ChatHandlers | null = null;

  constructor(options: WebAdapterOptions) {
    const stopping = this.#stopping.signal;
    this.#clock = options.clock;
    this.#events = new WebEvents(options.clock);
    this.#files = new WebFileShelf(options.clock, stopping);
    this.#transcript = new WebTranscript({ ...options, events: this.#events, stopping });
    this.routes = this.#createRoutes(options);
  }

  async start(handlers: ChatHandlers): Promise<void> {
    this.#handlers = handlers;
  }

  async stopListening(): Promise<void> {
    this.#handlers = null;
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async stop(): Promise<void> {
    await this.stopListening();
    this.#stopping.abort();
    await this.#transcript.flush();
    this.#events.stop();
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    return this.#append(to, contentOf(message), null);
  }

  async edit(message: SentMessage, content: OutgoingMessage): Promise<void> {
    await this.#transcript.edit(message, contentOf(content));
  }

  async sendFile(to: ChatAddress, file: OutgoingFile): Promise<SentMessage> {
    const id = this.#transcript.createMessageId();
    // First the content: the page may ask for it the moment it hears of the message.
    this.#files.put(id, to.channel, file.name, file.content);
    const caption = { text: file.caption, format: "plain", buttons: [], replyId: null } as const;
    try {
      return await this.#append(to, caption, { id, name: file.name });
    } catch (error) {
      this.#files.drop(id);
      throw error;
    }
  }

  async showTyping(to: ChatAddress): Promise<void> {
    this.#events.publish(to.channel, { name: "typing", data: { ms: TYPING_MS } });
  }

  async deleteMessage(address: ChatAddress, messageId: string): Promise<boolean> {
    return this.#transcript.remove(address.channel, messageId);
  }

  async openDirectChat(sender: Sender): Promise<ChatAddress | null> {
    return isUserId(sender.platformUserId) ? addressOf(sender.platformUserId) : null;
  }

  async #append(
    to: ChatAddress,
    content: WebMessageContent,
    file: { readonly id: string; readonly name: string } | null,
  ): Promise<SentMessage> {
    if (!isUserId(to.channel)) throw new OutsideError("web", "chat_gone");
    const id = file?.id ?? this.#transcript.createMessageId();
    await this.#transcript.append({
      ...content,
      id,
      channel: to.channel,
      author: "bot",
      attachments: [],
      fileName: file?.name ?? null,
      createdAt: this.#clock.now(),
    });
    return { address: to, id };
  }

  #createRoutes(options: WebAdapterOptions): WebRoute[] {
    const session = new WebSession({ ...options, key: options.sessionKey });
    const assets = new WebAssets();
    const pages = { assets, session };
    const chat = {
      transcript: this.#transcript,
      events: this.#events,
      files: this.#files,
      panel: options.panel,
      clock: options.clock,
      log: options.log,
      maskText: options.maskText,
      onMessage: (message: Parameters<ChatHandlers["onMessage"]>[0]) =>
        this.#hear((handlers) => handlers.onMessage(message)),
      onAction: (action: Parameters<ChatHandlers["onAction"]>[0]) =>
        this.#hear((handlers) => handlers.onAction(action)),
    };
    const routes: WebRoute[] = [createAssetsRoute(assets)];
    if (options.answers !== null) routes.push(createAnswerRoute(assets, options.answers));
    if (options.isChatOpen) {
      const newcomers = new MemoryRateLimiter(options.clock);
      routes.push(
        createChatPageRoute(pages, newcomers),
        ...createChatRoutes(visitors(session), chat),
      );
    }
    if (options.adminKey !== null) {
      const guard = new AdminKeyGuard(options.clock);
      routes.push(
        ...createAdminPageRoutes(pages, guard),
        ...createChatRoutes(admins(session), chat),
      );
    }
    return routes;
  }

  async #hear<Result>(work: (handlers: ChatHandlers) => Promise<Result>): Promise<Result> {
    if (this.#handlers === null) throw new OutsideError("web", "overloaded");
    const running = work(this.#handlers);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

function contentOf({ text, format, buttons }: OutgoingMessage): WebMessageContent {
  return { text, format, buttons, replyId: buttons[0]?.replyId ?? null };
}
