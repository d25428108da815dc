import type { Wechaty } from "wechaty";
import type { FriendshipInterface, MessageInterface, RoomInvitationInterface } from "wechaty/impls";
import type { Puppet } from "wechaty-puppet";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { ArrivalOrder } from "./arrival-order.ts";
import { describeFault, isTokenRefused, within } from "./wechat-errors.ts";
import type { WechatLibrary } from "./wechat-library.ts";

/** `stop` of wechaty can hang while it still starts. */
const STOP_MS = 5_000;
/** Errors written to the log in one life; wechat4u without a network has three a second. */
const ERRORS_LOGGED_MAX = 5;

/** What is done with what a bot hears. They may reject, which ends nothing. */
export interface BotListeners {
  onMessage(message: MessageInterface): Promise<void>;
  onFriendship(friendship: FriendshipInterface): Promise<void>;
  onRoomInvitation(invitation: RoomInvitationInterface): Promise<void>;
  onLoginCode(code: string): Promise<void>;
}

export interface BotLifeOptions {
  readonly wechaty: WechatLibrary;
  readonly puppet: Puppet;
  readonly sessionFile: string | undefined;
  readonly listeners: BotListeners;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something below has changed. */
  readonly onChange: () => void;
}

/**
 * One wechaty object from its start to its stop; there is no second start. Its state is what its
 * events said, because wechaty's own `isLoggedIn` stays true when the peer is gone.
 */
export class BotLife {
  readonly bot: Wechaty;
  readonly #options: BotLifeOptions;
  #isLoggedIn = false;
  #sinceMs: number;
  #codeAtMs: number | null = null;
  #hasFailed = false;
  #isTokenRefused = false;
  #errors = 0;
  #isOver = false;

  constructor(options: BotLifeOptions) {
    const { wechaty, puppet, sessionFile, clock } = options;
    this.#options = options;
    this.#sinceMs = clock.now().getTime();
    const name = sessionFile === undefined ? {} : { name: sessionFile };
    this.bot = wechaty.WechatyBuilder.build({ puppet, ...name });
    this.#listen();
  }

  get isLoggedIn(): boolean {
    return this.#isLoggedIn;
  }

  /** When it was logged in or out the last time, or made. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** When the newest code to scan was shown; `null` when nobody has to scan. */
  get codeAtMs(): number | null {
    return this.#codeAtMs;
  }

  /** It could not start; it will not log in any more. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  get isTokenRefused(): boolean {
    return this.#isTokenRefused;
  }

  /** Returns at once; `isLoggedIn` or `hasFailed` tell how it went. */
  start(): void {
    const { puppet } = this.#options;
    const fail = () => {
      this.#hasFailed = true;
      this.#options.onChange();
    };
    // wechaty resolves also when its puppet could not start.
    this.bot.start().then(() => puppet.state.active() || fail(), fail);
  }

  /** Resolves in any case, after some seconds at the latest. Nothing is heard after that. */
  async end(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await within(clock, STOP_MS, this.bot.stop());
    } catch (error) {
      log.warn(describeFault(error), "wechat bot did not stop in time");
    }
    this.#setLoggedIn(false);
    this.#isOver = true;
  }

  #listen(): void {
    const { listeners, puppet, clock } = this.#options;
    const { bot } = this;
    bot.on("error", (error) => this.#noteError(error));
    bot.on("login", () => this.#setLoggedIn(true));
    bot.on("logout", () => this.#setLoggedIn(false));
    bot.on("scan", (code, status) => {
      const { Waiting, Timeout } = this.#options.wechaty.types.ScanStatus;
      if (this.#isOver || code === "" || (status !== Waiting && status !== Timeout)) return;
      this.#codeAtMs = clock.now().getTime();
      this.#options.onChange();
      return this.#guard("scan", () => listeners.onLoginCode(code));
    });
    const order = new ArrivalOrder(clock);
    puppet.on("message", ({ messageId }) => order.note(messageId));
    bot.on("message", (message) =>
      this.#guard("message", async () => {
        await order.turn(message.id);
        await listeners.onMessage(message);
      }),
    );
    bot.on("friendship", (friendship) =>
      this.#guard("friendship", () => listeners.onFriendship(friendship)),
    );
    bot.on("room-invite", (invitation) =>
      this.#guard("room-invite", () => listeners.onRoomInvitation(invitation)),
    );
  }

  /** A listener that rejects would be an unhandled rejection, which ends the process. */
  async #guard(event: string, listen: () => Promise<void>): Promise<void> {
    if (this.#isOver) return;
    try {
      await listen();
    } catch (error) {
      this.#options.log.error({ event, ...describeFault(error) }, "wechat event not handled");
    }
  }

  #setLoggedIn(isLoggedIn: boolean): void {
    if (this.#isOver) return;
    this.#isLoggedIn = isLoggedIn;
    this.#sinceMs = this.#options.clock.now().getTime();
    if (isLoggedIn) this.#codeAtMs = null;
    this.#options.onChange();
  }

  /** Many are spurious, so they are noted and nothing else. */
  #noteError(error: unknown): void {
    if (isTokenRefused(error)) this.#isTokenRefused = true;
    this.#errors += 1;
    if (this.#isOver || this.#errors > ERRORS_LOGGED_MAX) return;
    const isLast = this.#errors === ERRORS_LOGGED_MAX;
    const sentence = isLast ? "wechat error; further ones are not logged" : "wechat error";
    this.#options.log.warn(describeFault(error), sentence);
  }
}
