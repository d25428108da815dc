import type { ChatCapabilities } from "../../core/chat/chat-adapter.ts";
import type { BotSeat, BotSource, SeatHandlers } from "./bot-source.ts";
import { ACCOUNT_CAPABILITIES } from "./wechat-capabilities.ts";

/** A source that always has the same seat: one account that everybody writes to. */
export class SoleBotSource implements BotSource {
  readonly capabilities: ChatCapabilities = ACCOUNT_CAPABILITIES;
  readonly problem: string | null;
  readonly #seat: BotSeat;

  /** With a `problem` it never has a seat. */
  constructor(seat: BotSeat, problem: string | null = null) {
    this.#seat = seat;
    this.problem = problem;
  }

  async start(handlers: SeatHandlers): Promise<void> {
    if (this.problem === null) handlers.onSeat(this.#seat);
  }

  async stop(): Promise<void> {}
}
