import type { Wechaty } from "wechaty";
import type { ChatAddress } from "../../core/chat/chat-address.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { BotListeners } from "./bot-life.ts";
import type { BotSeat } from "./bot-source.ts";
import { BotSupervisor } from "./bot-supervisor.ts";
import { WECHAT } from "./wechat-errors.ts";

/** A seat with a bot that is logged in. */
export interface ReadySeat {
  readonly seat: BotSeat;
  readonly bot: Wechaty;
}

export interface SeatsOptions {
  readonly listenersFor: (seat: BotSeat) => BotListeners;
  /** Whether somebody without a seat had one before. */
  readonly knows: (personId: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface KeptSeat {
  readonly seat: BotSeat;
  readonly supervisor: BotSupervisor;
}

/** The seats we hold at this moment, each with its supervisor, and which of them reaches whom. */
export class WechatSeats {
  readonly #options: SeatsOptions;
  readonly #byName = new Map<string, KeptSeat>();
  readonly #byPerson = new Map<string, KeptSeat>();
  readonly #ending = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: SeatsOptions) {
    this.#options = options;
  }

  /** `null` while a bot works or waits for a person; else what is wrong with one of them. */
  get problem(): string | null {
    const problems = this.#supervisors.map(({ problem }) => problem);
    return problems.includes(null) ? null : (problems[0] ?? null);
  }

  get isWaitingForLogin(): boolean {
    return this.#supervisors.some(({ isWaitingForLogin }) => isWaitingForLogin);
  }

  /** Resolves when the first try of every seat has come to something. */
  async settled(): Promise<void> {
    await Promise.all(this.#supervisors.map(({ settled }) => settled));
  }

  /** Starts the bot of a seat. One of the same name is stopped before. */
  add(seat: BotSeat): void {
    if (this.#isStopped) return;
    const { listenersFor, clock, log } = this.#options;
    const supervisor = new BotSupervisor({
      seat,
      listeners: listenersFor(seat),
      clock,
      log: log.child({ seat: seat.name }),
    });
    const former = this.#forget(seat.name);
    const kept = { seat, supervisor };
    this.#byName.set(seat.name, kept);
    if (seat.personId !== null) this.#byPerson.set(seat.personId, kept);
    if (former === null) supervisor.start();
    else this.#track(former.supervisor.stop().then(() => supervisor.start()));
  }

  /** Resolves when the bot of the seat has stopped. */
  async remove(name: string): Promise<void> {
    const stopped = this.#forget(name)?.supervisor.stop();
    if (stopped !== undefined) await this.#track(stopped);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#ending);
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.stop()));
  }

  /**
   * The seat whose bot can write there: that of the person, or one that many can talk with.
   * Throws `OutsideError`: "window_closed" when the person was signed out and may scan again,
   * "chat_gone" when nobody knows them, "unreachable" while the bot is not logged in.
   */
  async find({ channel }: ChatAddress): Promise<ReadySeat> {
    const kept = this.#byPerson.get(channel) ?? this.#sharedSeat();
    if (kept !== null) return ready(kept);
    const mayReturn = await this.#options.knows(channel);
    throw new OutsideError(WECHAT, mayReturn ? "window_closed" : "chat_gone");
  }

  /** Throws `OutsideError`: "chat_gone" when there is none, "unreachable" as `find` does. */
  findByName(name: string): ReadySeat {
    const kept = this.#byName.get(name);
    if (kept === undefined) throw new OutsideError(WECHAT, "chat_gone");
    return ready(kept);
  }

  get #supervisors(): BotSupervisor[] {
    return [...this.#byName.values()].map(({ supervisor }) => supervisor);
  }

  #sharedSeat(): KeptSeat | null {
    for (const kept of this.#byName.values()) if (kept.seat.personId === null) return kept;
    return null;
  }

  #forget(name: string): KeptSeat | null {
    const kept = this.#byName.get(name);
    if (kept === undefined) return null;
    this.#byName.delete(name);
    const { personId } = kept.seat;
    if (personId !== null && this.#byPerson.get(personId) === kept) {
      this.#byPerson.delete(personId);
    }
    return kept;
  }

  #track(ending: Promise<void>): Promise<void> {
    this.#ending.add(ending);
    return ending.finally(() => this.#ending.delete(ending));
  }
}

function ready({ seat, supervisor }: KeptSeat): ReadySeat {
  const { bot } = supervisor;
  if (bot === null) throw new OutsideError(WECHAT, "unreachable");
  return { seat, bot };
}
