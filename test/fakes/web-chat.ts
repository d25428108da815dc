import { WebAdapter, type WebAdapterOptions } from "../../src/adapters/web/web-adapter.ts";
import type {
  ChatHandlers,
  MessageButton,
  OutgoingMessage,
} from "../../src/core/chat/chat-adapter.ts";
import type { IncomingAction, IncomingMessage } from "../../src/core/chat/incoming-message.ts";
import type { PanelState, WebPanel, WebViewer } from "../../src/core/chat/web-panel.ts";
import { UserError } from "../../src/core/errors.ts";
import { FakeClock } from "./fake-clock.ts";
import { MemoryWebMessageStore } from "./memory-web-message-store.ts";
import { RecordedLog } from "./recorded-log.ts";
import { WebTab } from "./web-tab.ts";

export const ADMIN_KEY = "correct horse battery staple";
export const REPLY_ID = "018f0000-0000-7000-8000-000000000001";
const STOP: MessageButton = { action: "stop", replyId: REPLY_ID, label: "Stop" };

/** The web chat with everything around it in memory. */
export class WebChat {
  readonly clock = new FakeClock();
  readonly store = new MemoryWebMessageStore();
  readonly log = new RecordedLog();
  readonly messages: IncomingMessage[] = [];
  readonly actions: IncomingAction[] = [];
  readonly viewers: WebViewer[] = [];
  readonly adapter: WebAdapter;
  /** What the core does with a message. */
  onMessage: (message: IncomingMessage) => Promise<void> = async () => {};

  constructor(options: Partial<WebAdapterOptions> = {}) {
    this.adapter = new WebAdapter({
      store: this.store,
      panel: this.#panel(),
      answers: null,
      sessionKey: new Uint8Array(32).fill(7),
      adminKey: ADMIN_KEY,
      isSecure: false,
      isChatOpen: true,
      maskText: (text) => text.replaceAll(/CODE-\w+/g, "••••"),
      clock: this.clock,
      log: this.log,
      ...options,
    });
  }

  async start(): Promise<this> {
    const handlers: ChatHandlers = {
      onMessage: async (message) => {
        this.messages.push(message);
        await this.onMessage(message);
      },
      onAction: async (action) => {
        this.actions.push(action);
        return "Done.";
      },
      onReachable: async () => {},
      onChatMoved: async () => {},
      onLoginCode: async () => {},
    };
    await this.adapter.start(handlers);
    return this;
  }

  /** A browser nobody has used yet. */
  browser(): WebTab {
    return new WebTab(this.adapter.routes, this.clock);
  }

  /** A person who has opened the page. */
  async visitor(): Promise<{ readonly tab: WebTab; readonly channel: string }> {
    const tab = this.browser();
    await tab.request("GET", "/");
    return { tab, channel: tab.cookies.get("dianka_visitor")?.split(".")[0] ?? "" };
  }

  async admin(): Promise<WebTab> {
    const tab = this.browser();
    await tab.request("POST", "/admin-chat/session", { body: { key: ADMIN_KEY } });
    return tab;
  }

  address(channel: string) {
    return { platform: "web", bot: "web", channel, thread: null };
  }

  growing(text: string): OutgoingMessage {
    return { text, format: "plain", buttons: [STOP], replyTo: null };
  }

  final(text: string): OutgoingMessage {
    return { text, format: "markdown", buttons: [], replyTo: null };
  }

  #panel(): WebPanel {
    const state: PanelState = {
      locale: "en",
      balance: { credit: "", messages: "10", lots: [] },
      models: [],
      roles: [],
      locales: [],
      conversations: [],
      receipts: [],
      isAdmin: false,
    };
    return {
      readState: async (viewer) => {
        this.viewers.push(viewer);
        return { ...state, isAdmin: viewer.isAdmin };
      },
      readTurns: async (_viewer, number) => {
        if (number !== 1) throw new UserError("unknown_conversation");
        return [{ author: "user", text: "Hi", at: "2026-01-01T00:00:00.000Z" }];
      },
    };
  }
}
