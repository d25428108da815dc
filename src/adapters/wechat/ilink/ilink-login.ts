import type { Clock } from "../../../core/clock.ts";
import type { Logger } from "../../../core/log.ts";
import type { LoginStatusAnswer } from "./ilink-answers.ts";
import type { IlinkLoginApi, LoginCode } from "./ilink-login-api.ts";
import type { Credentials } from "./ilink-login-store.ts";
import { isTrustedAddress } from "./ilink-origin.ts";

/** Tencent's client gives a code five minutes; iLink says before when it is over. */
const CODE_MS = 10 * 60_000;
const PAUSE_MS = 1_000;
const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

/**
 * How a login stands. "preparing": there is no code yet. "waiting": for a scan. "scanned": to be
 * confirmed on the phone. "digits_needed": the phone shows a number to be entered here. The others
 * are ends, except "unreachable", after which it is tried again.
 */
export type LoginState =
  | "preparing"
  | "waiting"
  | "scanned"
  | "digits_needed"
  | "connected"
  | "already_connected"
  | "expired"
  | "blocked"
  | "full"
  | "unreachable";

const ENDS: ReadonlySet<LoginState> = new Set([
  "connected",
  "already_connected",
  "expired",
  "blocked",
  "full",
]);

export interface LoginOptions {
  readonly api: IlinkLoginApi;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tokens of the logins we hold, the newest first. */
  tokens(): readonly string[];
  /** Whether a code that is over shall be followed by another. */
  mayRenew(): boolean;
  onCode(code: string): Promise<void>;
  /** `false`: there is no room for one more. */
  onConfirmed(credentials: Credentials): Promise<boolean>;
}

/** One person on the way to become one of ours: from the code they see to the token we get. */
export class IlinkLogin {
  readonly #options: LoginOptions;
  #state: LoginState = "preparing";
  #code: string | null = null;
  #digits: string | null = null;
  #areDigitsWrong = false;
  /** Aborted, and made anew, whenever something changes. */
  #changed = new AbortController();

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  get state(): LoginState {
    return this.#state;
  }

  get hasEnded(): boolean {
    return ENDS.has(this.#state);
  }

  /** What the QR code says; `null` when there is nothing to scan. */
  get code(): string | null {
    return this.#state === "waiting" ? this.#code : null;
  }

  /** The last number entered was not the one on the phone. */
  get areDigitsWrong(): boolean {
    return this.#areDigitsWrong;
  }

  /** Resolves at the next change, or when the signal aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    await aborted(AbortSignal.any([this.#changed.signal, signal]));
  }

  /** The number on the person's phone. Counts only while it is asked for. */
  enterDigits(digits: string): void {
    if (this.#state !== "digits_needed") return;
    this.#digits = digits;
    this.#set("scanned");
  }

  /** Resolves when the login has come to an end, or the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, mayRenew } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.#set("preparing");
        const end = await this.#showCode(signal);
        failures = 0;
        if (end !== "expired" || !mayRenew()) return this.#end(end);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        log.warn({ err: error, failures }, "WeChat login failed");
        if (!mayRenew()) return this.#end("expired");
        this.#set("unreachable");
        const waitMs = RETRY_MS * 2 ** Math.min(failures - 1, 10);
        await clock.sleep(Math.min(waitMs, RETRY_MS_MAX), signal);
      }
    }
  }

  /** One code, from its making to its end. */
  async #showCode(signal: AbortSignal): Promise<LoginState> {
    const { api, clock, tokens, onCode } = this.#options;
    const made = await api.createCode(tokens(), signal);
    this.#code = made.code;
    this.#digits = null;
    this.#areDigitsWrong = false;
    this.#set("waiting");
    await onCode(made.code);
    const endsAtMs = clock.now().getTime() + CODE_MS;
    let host = api.baseUrl;
    while (!signal.aborted && clock.now().getTime() < endsAtMs) {
      const status = await this.#readStatus(host, made, signal);
      if (status !== null) {
        host = this.#redirected(host, status);
        const end = await this.#follow(status, endsAtMs, signal);
        if (end !== null) return end;
      }
      await clock.sleep(PAUSE_MS, signal);
    }
    return "expired";
  }

  /** `null` when there was no answer: the person may be confirming at this moment, so go on. */
  async #readStatus(
    host: string,
    { id }: LoginCode,
    signal: AbortSignal,
  ): Promise<LoginStatusAnswer | null> {
    const { api, clock, log } = this.#options;
    try {
      return await api.readStatus(host, id, this.#digits, signal);
    } catch (error) {
      if (signal.aborted) return null;
      log.debug({ err: error }, "state of a WeChat login not read");
      await clock.sleep(RETRY_MS, signal);
      return null;
    }
  }

  /** `null` while it goes on. */
  async #follow(
    status: LoginStatusAnswer,
    endsAtMs: number,
    signal: AbortSignal,
  ): Promise<LoginState | null> {
    const { log } = this.#options;
    switch (status.status) {
      case "wait":
        return null;
      case "scaned":
      case "scaned_but_redirect":
        this.#digits = null;
        this.#set("scanned");
        return null;
      case "need_verifycode":
        this.#areDigitsWrong = this.#digits !== null;
        this.#digits = null;
        this.#set("digits_needed");
        log.info({}, "WeChat asks for the number on the person's phone; the page takes it");
        await this.#digitsEntered(endsAtMs, signal);
        return null;
      case "verify_code_blocked":
        return "blocked";
      case "expired":
        return "expired";
      case "binded_redirect":
        return "already_connected";
      case "confirmed":
        return this.#confirm(status);
    }
  }

  async #confirm(status: LoginStatusAnswer): Promise<LoginState> {
    const { api, clock, log, onConfirmed } = this.#options;
    const { bot_token: token, ilink_bot_id: botId, ilink_user_id: personId, baseurl } = status;
    if (token === "" || botId === "" || personId === "") {
      throw new Error("iLink confirmed a login without saying whose");
    }
    const isTrusted = baseurl !== "" && isTrustedAddress(baseurl, api.baseUrl);
    if (baseurl !== "" && !isTrusted) log.warn({}, "WeChat login names an address we do not trust");
    const isTaken = await onConfirmed({
      personId,
      botId,
      token,
      baseUrl: isTrusted ? baseurl : api.baseUrl,
      connectedAtMs: clock.now().getTime(),
    });
    return isTaken ? "connected" : "full";
  }

  #redirected(host: string, { status, redirect_host: name }: LoginStatusAnswer): string {
    if (status !== "scaned_but_redirect" || name === "") return host;
    const { api, log } = this.#options;
    const address = `${new URL(api.baseUrl).protocol}//${name}`;
    if (isTrustedAddress(address, api.baseUrl)) return address;
    log.warn({}, "WeChat login redirects to an address we do not trust");
    return host;
  }

  async #digitsEntered(endsAtMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (this.#digits === null && !signal.aborted) {
      const leftMs = endsAtMs - clock.now().getTime();
      if (leftMs <= 0) return;
      await clock.sleep(leftMs, AbortSignal.any([this.#changed.signal, signal]));
    }
  }

  #end(state: LoginState): void {
    this.#options.log.debug({ state }, "WeChat login ended");
    this.#set(state);
  }

  #set(state: LoginState): void {
    this.#state = state;
    const changed = this.#changed;
    this.#changed = new AbortController();
    changed.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
