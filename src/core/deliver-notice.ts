import type { NoticeStore } from "./admin/notice-store.ts";
import type { ChatConnections } from "./chat/chat-connections.ts";
import { say } from "./chat/say.ts";
import { OutsideError } from "./errors.ts";

/** Brings a message of our own to its chat. Delivering twice changes nothing. */
export class DeliverNotice {
  readonly #notices: NoticeStore;
  readonly #connections: () => ChatConnections;

  constructor(notices: NoticeStore, connections: () => ChatConnections) {
    this.#notices = notices;
    this.#connections = connections;
  }

  async run(id: string): Promise<void> {
    const notice = await this.#notices.findQueued(id);
    if (notice === null) return;
    const { platform, bot } = notice.address;
    const connection = this.#connections().find(platform, bot);
    if (connection === null) throw new OutsideError("gateway", "unreachable");
    try {
      await say(connection, {
        to: notice.address,
        isDirect: true,
        text: notice.text,
        replyTo: null,
      });
      await this.#notices.mark(id, "sent");
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      // What may not be sent now is sent when the person writes next.
      if (error.kind === "window_closed") await this.#notices.mark(id, "parked");
      else if (error.kind === "chat_gone") await this.#notices.mark(id, "failed");
      else throw error;
    }
  }

  async giveUp(id: string): Promise<void> {
    await this.#notices.mark(id, "failed");
  }
}
