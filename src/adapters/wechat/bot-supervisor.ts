import type { Wechaty } from "wechaty";
import type { Puppet } from "wechaty-puppet";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { BotLife, type BotListeners } from "./bot-life.ts";
import type { BotSeat } from "./bot-source.ts";
import { describeFault, within } from "./wechat-errors.ts";
import { loadWechatLibrary } from "./wechat-library.ts";

/** Between two lives of a bot. Short, because a peer that is back shall be used within 10 s. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 4_000;
/** A token that was refused will not be liked better soon. */
const REFUSED_MS = 30_000;
const CREATE_MS = 15_000;
/** A bot that is neither logged in nor shows a code to scan after so long is made anew. */
const LOGIN_MS = 20_000;
/** A puppet shows a new code long before; one that stays silent has lost its peer. */
const CODE_MS = 300_000;
const PROBE_MS = 2_000;
const PROBE_ANSWER_MS = 5_000;
/** One answer may get lost; two in a row mean that the peer is gone. */
const PROBES_FAILED_MAX = 2;
/** How often it looks where there is nothing to probe; events wake it at once. */
const LOOK_MS = 60_000;

const TOKEN_REFUSED = "WeChat: the service refuses our token";
const CANNOT_CONNECT = "WeChat cannot be connected";

export interface SupervisorOptions {
  readonly seat: BotSeat;
  readonly listeners: BotListeners;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Keeps the bot of one seat alive: whatever fails, the whole wechaty object is made anew, one at
 * a time, with growing pauses. wechaty's own watchdog gives up for good after one failed try.
 */
export class BotSupervisor {
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #life: BotLife | null = null;
  #changed = new AbortController();
  #problem: string | null = "WeChat is not connected yet";

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The bot, once it is logged in. */
  get bot(): Wechaty | null {
    return this.#life?.isLoggedIn === true ? this.#life.bot : null;
  }

  /** Only a person can help, by scanning. */
  get isWaitingForLogin(): boolean {
    return this.#life?.isLoggedIn === false && this.#life.codeAtMs !== null;
  }

  /** `null` when it is logged in or waits for a person to scan; else one sentence. */
  get problem(): string | null {
    return this.bot !== null || this.isWaitingForLogin ? null : this.#problem;
  }

  /** Resolves when the first try has come to something: a login, a code to scan, a failure. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when the bot has stopped, or after some seconds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    let waitMs = RETRY_MS;
    while (!signal.aborted) {
      let wasLoggedIn = false;
      try {
        wasLoggedIn = await this.#live();
      } catch (error) {
        this.#problem = CANNOT_CONNECT;
        log.warn(describeFault(error), "wechat bot could not be made");
      }
      this.#settled.resolve();
      if (signal.aborted) return;
      waitMs = wasLoggedIn ? RETRY_MS : Math.min(waitMs * 2, RETRY_MS_MAX);
      await clock.sleep(this.#problem === TOKEN_REFUSED ? REFUSED_MS : waitMs, signal);
    }
  }

  /** One life of the bot; `true` when it was logged in meanwhile. */
  async #live(): Promise<boolean> {
    const { seat, listeners, clock, log } = this.#options;
    const wechaty = await loadWechatLibrary();
    const puppet = await within(clock, CREATE_MS, seat.createPuppet());
    if (this.#stopping.signal.aborted) return false;
    const life = new BotLife({
      wechaty,
      puppet,
      sessionFile: seat.sessionFile,
      listeners,
      clock,
      log,
      onChange: () => this.#changed.abort(),
    });
    this.#life = life;
    life.start();
    try {
      return await this.#watch(life, puppet);
    } finally {
      await life.end();
      this.#life = null;
    }
  }

  /** Resolves when the life is over. */
  async #watch(life: BotLife, puppet: Puppet): Promise<boolean> {
    const { seat, log } = this.#options;
    const { signal } = this.#stopping;
    let wasLoggedIn = false;
    let probesFailed = 0;
    while (!signal.aborted) {
      if (life.isLoggedIn) {
        wasLoggedIn = true;
        probesFailed = (await this.#isAnswering(puppet)) ? 0 : probesFailed + 1;
      }
      const end = this.#reasonToEnd(life, probesFailed);
      if (end !== null) {
        this.#problem = end;
        log.warn({ seat: seat.name }, "wechat bot is made anew");
        return wasLoggedIn;
      }
      if (life.isLoggedIn || life.codeAtMs !== null) this.#settled.resolve();
      await this.#pause(life, probesFailed > 0);
    }
    return wasLoggedIn;
  }

  #reasonToEnd(life: BotLife, probesFailed: number): string | null {
    if (life.isTokenRefused && !life.isLoggedIn) return TOKEN_REFUSED;
    if (life.hasFailed) return CANNOT_CONNECT;
    if (life.isLoggedIn) {
      return probesFailed < PROBES_FAILED_MAX ? null : "WeChat: the connection was lost";
    }
    const nowMs = this.#options.clock.now().getTime();
    const endMs = Math.max(life.sinceMs + LOGIN_MS, (life.codeAtMs ?? 0) + CODE_MS);
    return nowMs < endMs ? null : "WeChat: nobody is logged in";
  }

  async #isAnswering(puppet: Puppet): Promise<boolean> {
    const { seat, clock } = this.#options;
    try {
      if (seat.probe !== undefined) await within(clock, PROBE_ANSWER_MS, seat.probe(puppet));
      return true;
    } catch {
      return false;
    }
  }

  /** Until there is something to look at. */
  async #pause(life: BotLife, isDoubtful: boolean): Promise<void> {
    const { seat, clock } = this.#options;
    const isQuiet = life.isLoggedIn && seat.probe === undefined;
    const waitMs = isDoubtful ? PROBE_MS / 2 : isQuiet ? LOOK_MS : PROBE_MS;
    await clock.sleep(waitMs, AbortSignal.any([this.#stopping.signal, this.#changed.signal]));
    this.#changed = new AbortController();
  }
}
