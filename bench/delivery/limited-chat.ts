import type {
  ChatCapabilities,
  ChatSender,
  OutgoingMessage,
  SentMessage,
} from "../../src/core/chat/chat-adapter.ts";
import type { ChatAddress } from "../../src/core/chat/chat-address.ts";
import type { Clock } from "../../src/core/clock.ts";
import { OutsideError } from "../../src/core/errors.ts";
import type { ArrivingCall, LimitModel } from "./limit-models.ts";

const ONE_WAY_MS_MIN = 10;
const ONE_WAY_MS_SPREAD = 30;

export interface Screen {
  readonly messages: Map<string, OutgoingMessage>;
  /** Calls for messages that arrived and were let through. */
  readonly calls: {
    readonly atMs: number;
    /** It began a message, or took from an older one what moved there. */
    readonly isFirst: boolean;
  }[];
  onChange: () => void;
}

/** A platform behind a network: calls take time, and a limit model may refuse them. */
export class LimitedChat implements ChatSender {
  readonly platform = "bench";
  readonly bot = "bot";
  readonly capabilities: ChatCapabilities;
  refusals = 0;
  readonly #model: LimitModel;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #screens = new Map<string, Screen>();
  readonly #groups: ReadonlySet<string>;
  #sent = 0;

  constructor(
    capabilities: ChatCapabilities,
    model: LimitModel,
    groups: ReadonlySet<string>,
    clock: Clock,
    random: () => number,
  ) {
    this.capabilities = capabilities;
    this.#model = model;
    this.#groups = groups;
    this.#clock = clock;
    this.#random = random;
  }

  screenOf(channel: string): Screen {
    const screen = this.#screens.get(channel) ?? {
      messages: new Map<string, OutgoingMessage>(),
      calls: [],
      onChange: () => {},
    };
    this.#screens.set(channel, screen);
    return screen;
  }

  async send(to: ChatAddress, message: OutgoingMessage): Promise<SentMessage> {
    this.#sent += 1;
    const id = String(this.#sent);
    await this.#put("message", to, id, message);
    return { address: to, id };
  }

  async edit(message: SentMessage, content: OutgoingMessage): Promise<void> {
    await this.#put("edit", message.address, message.id, content);
  }

  async showTyping(to: ChatAddress): Promise<void> {
    await this.#travel();
    this.#admit("typing", to);
    await this.#travel();
  }

  /** As our adapters do: they count what went out since the person wrote, here since the start. */
  async sendsLeft({ channel }: ChatAddress): Promise<number> {
    const { sendsPerMessageMax } = this.capabilities;
    if (sendsPerMessageMax === null) return Number.POSITIVE_INFINITY;
    return sendsPerMessageMax - this.screenOf(channel).messages.size;
  }

  async sendFile(): Promise<SentMessage> {
    throw new Error("No files are sent here.");
  }

  async deleteMessage(): Promise<boolean> {
    return false;
  }

  async openDirectChat(): Promise<null> {
    return null;
  }

  async #put(
    kind: ArrivingCall["kind"],
    to: ChatAddress,
    id: string,
    message: OutgoingMessage,
  ): Promise<void> {
    await this.#travel();
    const screen = this.screenOf(to.channel);
    const isTooLong = message.text.length > this.capabilities.textLengthMax;
    if (isTooLong || message.text.trim() === "") throw new OutsideError("bench", "rejected");
    try {
      this.#admit(kind, to);
      const newest = [...screen.messages.keys()].at(-1);
      screen.calls.push({ atMs: this.#nowMs(), isFirst: newest !== id });
      screen.messages.set(id, message);
      screen.onChange();
    } finally {
      await this.#travel();
    }
  }

  #admit(kind: ArrivingCall["kind"], { channel }: ChatAddress): void {
    const isGroup = this.#groups.has(channel);
    const retryAfterMs = this.#model.admit({ kind, channel, isGroup, atMs: this.#nowMs() });
    if (retryAfterMs === null) return;
    this.refusals += 1;
    throw new OutsideError("bench", "rate_limited", { retryAfterMs });
  }

  async #travel(): Promise<void> {
    await this.#clock.sleep(Math.round(ONE_WAY_MS_MIN + this.#random() * ONE_WAY_MS_SPREAD));
  }

  #nowMs(): number {
    return this.#clock.now().getTime();
  }
}
