import { randomBytes } from "node:crypto";
import type { IlinkPerson } from "./ilink-person.ts";

const WRONG_DIGITS_MAX = 3;

/** Everything `get_qrcode_status` can say. */
interface Status {
  readonly status: string;
  readonly [field: string]: string;
}

/** A code on somebody's screen, and what the people who scan it do; a test plays them. */
export class IlinkLoginCode {
  readonly id = randomBytes(12).toString("hex");
  /** What the QR code says. */
  readonly content = `https://liteapp.weixin.qq.com/q/${this.id}?bot_type=3`;
  /** The tokens our program showed when it asked for the code. */
  readonly shownTokens: readonly string[];
  /** Where iLink wants to be asked on; then it answers nowhere else. */
  redirectHost: string | null = null;
  #status: Status = { status: "wait" };
  #isNew = true;
  #digits: string | null = null;
  #wrongDigits = 0;
  readonly #waiting = new Set<() => void>();

  constructor(shownTokens: readonly string[]) {
    this.shownTokens = shownTokens;
  }

  get hasEnded(): boolean {
    return ["confirmed", "expired", "verify_code_blocked", "binded_redirect"].includes(
      this.#status.status,
    );
  }

  /** The phone waits for its digits to be entered on our side. */
  get awaitsDigits(): boolean {
    return this.#digits !== null;
  }

  scan(): void {
    this.#set({ status: "scaned" });
  }

  /** The phone shows digits that have to be entered on our side. */
  askDigits(digits: string): void {
    this.#digits = digits;
    this.#set({ status: "need_verifycode" });
  }

  confirm(person: IlinkPerson, token: string, baseUrl: string): void {
    this.#set({
      status: "confirmed",
      bot_token: token,
      ilink_bot_id: person.botId,
      ilink_user_id: person.id,
      baseurl: baseUrl,
    });
  }

  expire(): void {
    this.#set({ status: "expired" });
  }

  bound(): void {
    this.#set({ status: "binded_redirect" });
  }

  redirect(host: string): void {
    this.redirectHost = host;
    this.#set({ status: "scaned_but_redirect", redirect_host: host });
  }

  /** Answers at once when there is news, else after `holdMs` with what has been said before. */
  async read(verifyCode: string | null, holdMs: number, hangUp: AbortSignal): Promise<Status> {
    if (verifyCode !== null) this.#check(verifyCode);
    if (!this.#isNew && !this.hasEnded) await this.#wait(holdMs, hangUp);
    if (!hangUp.aborted) this.#isNew = false;
    return this.#status;
  }

  #check(verifyCode: string): void {
    if (this.#digits === null) return;
    if (verifyCode === this.#digits) {
      this.#digits = null;
      this.#set({ status: "scaned" });
      return;
    }
    this.#wrongDigits += 1;
    const isBlocked = this.#wrongDigits >= WRONG_DIGITS_MAX;
    this.#set({ status: isBlocked ? "verify_code_blocked" : "need_verifycode" });
  }

  #set(status: Status): void {
    this.#status = status;
    this.#isNew = true;
    for (const wake of [...this.#waiting]) wake();
  }

  async #wait(holdMs: number, hangUp: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, holdMs);
    hangUp.addEventListener("abort", () => resolve(), { once: true });
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }
}
