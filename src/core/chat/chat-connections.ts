import type { BotKey } from "../reply-queue.ts";
import type { ChatSender } from "./chat-adapter.ts";
import type { EditBudget } from "./edit-budget.ts";

/** One bot of one platform: how to send as it, and how fast. */
export interface ChatConnection {
  readonly sender: ChatSender;
  readonly budget: EditBudget;
}

/**
 * The bots that are configured here. Of several processes one at a time owns a bot and writes as it:
 * else an old preview of one could come after the final text of the other.
 */
export class ChatConnections {
  readonly #connections: readonly ChatConnection[];
  readonly #isOwned: (bot: BotKey) => boolean;

  constructor(connections: readonly ChatConnection[], isOwned: (bot: BotKey) => boolean) {
    this.#connections = connections;
    this.#isOwned = isOwned;
  }

  /** `null` when the bot is not configured, or another process owns it. */
  find(platform: string, bot: string): ChatConnection | null {
    if (!this.#isOwned({ platform, bot })) return null;
    const isIt = ({ sender }: ChatConnection) => sender.platform === platform && sender.bot === bot;
    return this.#connections.find(isIt) ?? null;
  }

  /** All of them, whoever owns them. */
  list(): readonly ChatConnection[] {
    return this.#connections;
  }
}
