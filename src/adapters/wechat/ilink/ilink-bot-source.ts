import type { AdapterMemory } from "../../../core/chat/adapter-memory.ts";
import type { WebRoute } from "../../../core/chat/web-route.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Logger } from "../../../core/log.ts";
import { MemoryRateLimiter } from "../../../core/quota/rate-limiter.ts";
import type { SecretBox } from "../../../core/upstream/secret-box.ts";
import type { BotSource, SeatHandlers } from "../bot-source.ts";
import { SendAllowance } from "./ilink-allowance.ts";
import { ILINK_CAPABILITIES } from "./ilink-capabilities.ts";
import { TENCENT_BASE_URL } from "./ilink-http.ts";
import { IlinkLogin } from "./ilink-login.ts";
import { IlinkLoginApi } from "./ilink-login-api.ts";
import { type Credentials, IlinkLoginStore } from "./ilink-login-store.ts";
import { isTrustedAddress } from "./ilink-origin.ts";
import { createIlinkRoutes } from "./ilink-page.ts";
import { createSeat } from "./ilink-seat.ts";
import type { IlinkSession } from "./ilink-session.ts";
import { IlinkVisitors } from "./ilink-visitors.ts";
import { openSession } from "./open-session.ts";

/** People one process holds: each costs a call that waits, and about 35 KB for wechaty. */
const PEOPLE_MAX = 2_000;
/** The codes shown in the terminal one after the other; then a code is made when a page asks. */
const TERMINAL_CODES_MAX = 12;
/** One failed poll is nothing an operator must know of. */
const FAILURES_TOLERATED = 1;

export interface IlinkBotSourceOptions {
  /** `null`: Tencent's. */
  readonly baseUrl: string | null;
  readonly memory: AdapterMemory;
  /** Seals the tokens. */
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly log: Logger;
  /** The page is served over https. */
  readonly isSecure: boolean;
}

/**
 * The bots that people got by scanning our code with WeChat: one a person, as many as there are.
 * They are remembered; whoever signs out, or whose token turns stale, scans again and is the same
 * person as before. A code to scan is made for whoever opens our page, and for the terminal when
 * nobody is signed in or somebody was signed out.
 */
export class IlinkBotSource implements BotSource {
  readonly capabilities = ILINK_CAPABILITIES;
  /** The page that shows a code, at "/wechat". */
  readonly routes: readonly WebRoute[];
  readonly #options: IlinkBotSourceOptions;
  readonly #api: IlinkLoginApi;
  readonly #store: IlinkLoginStore;
  readonly #visitors: IlinkVisitors;
  readonly #sessions = new Map<string, IlinkSession>();
  readonly #tokens = new Map<string, string>();
  /** What happens to one person's login happens one after the other. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #stopping = new AbortController();
  #handlers: SeatHandlers | null = null;
  #terminal: { readonly login: IlinkLogin; readonly ending: AbortController } | null = null;
  #terminalRun: Promise<void> = Promise.resolve();

  constructor(options: IlinkBotSourceOptions) {
    const { baseUrl, memory, box, clock, log, isSecure } = options;
    this.#options = options;
    this.#api = new IlinkLoginApi((baseUrl ?? TENCENT_BASE_URL).replace(/\/+$/, ""));
    this.#store = new IlinkLoginStore(memory, box, log);
    this.#visitors = new IlinkVisitors({
      clock,
      limiter: new MemoryRateLimiter(clock),
      createLogin: (mayRenew) => this.#createLogin(mayRenew, async () => {}),
    });
    this.routes = createIlinkRoutes({ visitors: this.#visitors, isSecure });
  }

  /** Nobody is signed in: only a person with a phone can help. */
  get isWaitingForLogin(): boolean {
    return this.#sessions.size === 0;
  }

  get problem(): string | null {
    const sessions = [...this.#sessions.values()];
    const failing = sessions.filter(({ failures }) => failures > FAILURES_TOLERATED);
    if (sessions.length > 0 && failing.length === sessions.length) return UNREACHABLE;
    const isCut = sessions.length === 0 && this.#terminal?.login.state === "unreachable";
    return isCut ? UNREACHABLE : null;
  }

  /** What is left of a login that ended is how much its person may be sent. */
  async knows(personId: string): Promise<boolean> {
    return await SendAllowance.isRemembered(this.#options.memory, personId);
  }

  async start(handlers: SeatHandlers): Promise<void> {
    this.#handlers = handlers;
    for (const credentials of await this.#store.list()) {
      // The address may have been that of another configuration.
      const isOurs = isTrustedAddress(credentials.baseUrl, this.#api.baseUrl);
      const baseUrl = isOurs ? credentials.baseUrl : this.#api.baseUrl;
      await this.#seat({ ...credentials, baseUrl }, "remembered");
    }
    if (this.isWaitingForLogin) this.#showInTerminal();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#terminal?.ending.abort();
    await Promise.all([this.#visitors.stop(), this.#terminalRun]);
    await Promise.all(this.#changes.values());
    await Promise.all([...this.#sessions.values()].map(({ cursor }) => cursor.flush()));
  }

  /** Resolves with `false` when there is no room for this person. */
  async #connect(credentials: Credentials): Promise<boolean> {
    const { personId } = credentials;
    return this.#change(personId, async () => {
      const former = this.#sessions.get(personId);
      if (former === undefined && this.#sessions.size >= PEOPLE_MAX) return false;
      // Nothing is lost should we stop here: the token is remembered first.
      await this.#store.save(credentials);
      if (former !== undefined) {
        former.end();
        await this.#handlers?.onSeatGone(personId);
        await former.cursor.flush();
      }
      await this.#seat(credentials, "new");
      this.#options.log.info({ people: this.#sessions.size }, "WeChat person signed in");
      this.#terminal?.ending.abort();
      return true;
    });
  }

  async #seat(credentials: Credentials, kind: "new" | "remembered"): Promise<void> {
    const { memory, box, clock, log } = this.#options;
    const { personId, token } = credentials;
    const session = await openSession({
      credentials,
      memory,
      box,
      clock,
      log,
      onEnded: () => void this.#lose(session),
    });
    if (kind === "new") await session.startOver();
    this.#sessions.set(personId, session);
    this.#tokens.delete(personId);
    this.#tokens.set(personId, token);
    this.#handlers?.onSeat(createSeat(session, { clock, log }));
  }

  /** The token is stale: the person has to scan again. */
  async #lose(session: IlinkSession): Promise<void> {
    const { log } = this.#options;
    const { personId } = session;
    await this.#change(personId, async () => {
      if (this.#sessions.get(personId) !== session) return;
      this.#sessions.delete(personId);
      this.#tokens.delete(personId);
      log.warn({ people: this.#sessions.size }, "WeChat person signed out");
      await this.#store.delete(personId);
      await this.#handlers?.onSeatGone(personId);
    }).catch((error: unknown) => {
      log.error({ err: error }, "end of a WeChat login not remembered");
    });
    this.#showInTerminal();
  }

  #change<T>(personId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(personId) ?? Promise.resolve();
    const done = before.then(work);
    const settled = done
      .catch(() => {})
      .then(() => {
        if (this.#changes.get(personId) === settled) this.#changes.delete(personId);
      });
    this.#changes.set(personId, settled);
    return done;
  }

  /** A code that anybody may scan who sees the terminal; one at a time. */
  #showInTerminal(): void {
    if (this.#terminal !== null || this.#stopping.signal.aborted) return;
    let codes = 0;
    const login = this.#createLogin(
      () => codes < TERMINAL_CODES_MAX,
      async (code) => {
        codes += 1;
        await this.#handlers?.onLoginCode(code);
      },
    );
    const ending = new AbortController();
    this.#terminal = { login, ending };
    this.#terminalRun = login.run(ending.signal).finally(() => {
      this.#terminal = null;
      // Somebody signed in, which ended it, and was signed out again before it had ended.
      if (ending.signal.aborted && this.isWaitingForLogin) this.#showInTerminal();
    });
  }

  #createLogin(mayRenew: () => boolean, onCode: (code: string) => Promise<void>): IlinkLogin {
    const { clock, log } = this.#options;
    return new IlinkLogin({
      api: this.#api,
      clock,
      log,
      tokens: () => [...this.#tokens.values()].reverse(),
      mayRenew,
      onCode,
      onConfirmed: (credentials) => this.#connect(credentials),
    });
  }
}

const UNREACHABLE = "WeChat: Tencent's iLink cannot be reached";
