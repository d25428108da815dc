import type { FriendshipInterface, MessageInterface, RoomInvitationInterface } from "wechaty/impls";
import type { Clock } from "../../core/clock.ts";
import type { EventIntake } from "../shared/event-intake.ts";
import type { BotListeners } from "./bot-life.ts";
import type { BotSeat } from "./bot-source.ts";
import { within } from "./wechat-errors.ts";
import type { WechatEvent } from "./wechat-event.ts";
import { loadWechatLibrary } from "./wechat-library.ts";
import { readMessage } from "./wechat-message.ts";

/** A puppet that does not answer must not keep the next messages waiting. */
const READ_MS = 15_000;

/** Whose friend requests are accepted. */
export type FriendPolicy = "all" | "none" | { readonly word: string };

export interface ListenerOptions {
  readonly intake: EventIntake<WechatEvent>;
  readonly friends: FriendPolicy;
  readonly acceptsRoomInvitations: boolean;
  readonly onLoginCode: (code: string) => Promise<void>;
  readonly clock: Clock;
}

/** Turns what the bot of one seat hears into events for the inbox. */
export class WechatListener implements BotListeners {
  readonly #seat: BotSeat;
  readonly #options: ListenerOptions;
  /** Messages are read one after the other, so that they are saved in the order they came. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(seat: BotSeat, options: ListenerOptions) {
    this.#seat = seat;
    this.#options = options;
  }

  async onMessage(message: MessageInterface): Promise<void> {
    const { clock } = this.#options;
    const read = this.#reading.then(() => within(clock, READ_MS, this.#read(message)));
    this.#reading = read.catch(() => {});
    await read;
  }

  async onFriendship(friendship: FriendshipInterface): Promise<void> {
    const { types } = await loadWechatLibrary();
    const contact = friendship.contact();
    const person = { personId: contact.id, personName: contact.name() };
    const common = { seat: this.#seat.name, id: friendship.id, receivedAt: this.#now() };
    const type = friendship.type();
    if (type === types.Friendship.Confirm) {
      this.#receive({ kind: "new_friend", ...common, ...person });
    } else if (type === types.Friendship.Receive && this.#isWelcome(friendship.hello())) {
      this.#receive({ kind: "friend_request", ...common, ...person });
    }
  }

  async onRoomInvitation({ id }: RoomInvitationInterface): Promise<void> {
    if (!this.#options.acceptsRoomInvitations) return;
    this.#receive({ kind: "room_invitation", seat: this.#seat.name, id, receivedAt: this.#now() });
  }

  async onLoginCode(code: string): Promise<void> {
    await this.#options.onLoginCode(code);
  }

  async #read(message: MessageInterface): Promise<void> {
    const read = await readMessage(message, await loadWechatLibrary());
    if (read === null) {
      this.#seat.confirmMessage?.(message.id);
      return;
    }
    const common = { seat: this.#seat.name, id: message.id, receivedAt: this.#now() };
    this.#receive({ ...read, ...common });
  }

  #receive(event: WechatEvent): void {
    const { kind, id } = event;
    this.#options.intake.receive(event, () => {
      if (kind === "message" || kind === "money") this.#seat.confirmMessage?.(id);
    });
  }

  #isWelcome(hello: string): boolean {
    const { friends } = this.#options;
    if (friends === "all" || friends === "none") return friends === "all";
    return hello.toLowerCase().includes(friends.word.toLowerCase());
  }

  #now(): string {
    return this.#options.clock.now().toISOString();
  }
}
