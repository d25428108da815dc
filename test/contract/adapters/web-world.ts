import { WebAdapter } from "../../../src/adapters/web/web-adapter.ts";
import type { WebPanel } from "../../../src/core/chat/web-panel.ts";
import { createId } from "../../../src/core/ids.ts";
import { WebTab } from "../../fakes/web-tab.ts";
import { FastClock } from "../../fakes/wechat/ilink-clock.ts";
import type { AdapterParts, ChatWorld, ConnectedAdapter, WorldPerson } from "./chat-world.ts";

const NO_PANEL: WebPanel = {
  readState: () => Promise.reject(new Error("nobody looks at the panel here")),
  readTurns: () => Promise.reject(new Error("nobody looks at the panel here")),
};

/** The web chat, read by tabs of browsers. */
export class WebWorld implements ChatWorld {
  readonly clock = new FastClock();
  readonly pieceMax = { characters: 100_000, bytes: Number.POSITIVE_INFINITY };
  readonly blockedAs = null;
  readonly flood = null;
  readonly repeats = true;
  readonly keepsOrder = true;
  readonly asides = [];
  #adapter: WebAdapter | null = null;

  static async open(): Promise<WebWorld> {
    return new WebWorld();
  }

  async connect({ webMessages, log }: AdapterParts): Promise<ConnectedAdapter> {
    const adapter = new WebAdapter({
      ...{ store: webMessages, panel: NO_PANEL, answers: null, adminKey: null },
      ...{ sessionKey: new Uint8Array(32).fill(7), isSecure: false, isChatOpen: true },
      ...{ maskText: (text: string) => text, clock: this.clock, log },
    });
    this.#adapter = adapter;
    return { adapter, ready: async () => {}, end: async () => {} };
  }

  async newPerson(): Promise<WorldPerson> {
    const browser = this.#tab();
    await browser.request("GET", "/");
    const channel = browser.cookies.get("dianka_visitor")?.split(".")[0] ?? "";
    const writes = async (text: string) => {
      const id = createId(this.clock.now());
      const again = () => this.#post(browser, "messages", { id, text });
      await again();
      return { again };
    };
    return {
      channel,
      writes,
      commands: async (text) => void (await writes(text)),
      seen: async () => (await this.#read(browser)).map(({ text }) => text),
      pressesStop: async () => {
        const buttons = (await this.#read(browser)).flatMap((message) => message.buttons);
        const stop = buttons.find(({ action }) => action === "stop");
        if (stop === undefined) throw new Error("there is no button that stops");
        const id = crypto.randomUUID();
        await this.#post(browser, "actions", { id, action: "stop", replyId: stop.replyId });
      },
      blocks: () => Promise.reject(new Error("nobody can close this chat")),
    };
  }

  sends(): number {
    return 0;
  }

  complaints(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {}

  /** A tab of that browser, at the program as it runs now. */
  #tab(browser?: WebTab): WebTab {
    return new WebTab(this.#adapter?.routes ?? [], this.clock, browser);
  }

  async #post(browser: WebTab, path: string, body: object): Promise<void> {
    const { status } = await this.#tab(browser).request("POST", `/chat/${path}`, { body });
    if (status >= 300) throw new Error(`${path}: ${status}`);
  }

  async #read(browser: WebTab) {
    const events = await this.#tab(browser).listen();
    const { messages = [] } = await events.expect("snapshot");
    await events.close();
    return messages.filter(({ author }) => author === "bot");
  }
}
