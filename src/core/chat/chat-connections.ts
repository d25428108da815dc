import type { ChatSender } from "./chat-adapter.ts";
import type { EditBudget } from "./edit-budget.ts";

/** One bot of one platform as this process owns it: how to send, and how fast. */
export interface ChatConnection {
  readonly sender: ChatSender;
  readonly budget: EditBudget;
}

/** The bots this process owns. */
export class ChatConnections {
  readonly #connections: readonly ChatConnection[];

  constructor(connections: readonly ChatConnection[]) {
    this.#connections = connections;
  }

  find(platform: string, bot: string): ChatConnection | null {
    return (
      this.#connections.find(({ sender }) => sender.platform === platform && sender.bot === bot) ??
      null
    );
  }

  list(): readonly ChatConnection[] {
    return this.#connections;
  }
}
