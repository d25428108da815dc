import { randomBytes } from "node:crypto";
import type { Clock } from "../../../core/clock.ts";
import type { RateLimiter } from "../../../core/quota/rate-limiter.ts";
import { isLoopback, networkOf } from "../../shared/network.ts";
import type { IlinkLogin } from "./ilink-login.ts";

/** Logins under way at once, each with a call that waits at iLink. */
const OPEN_MAX = 200;
const OPEN_PER_NETWORK_MAX = 10;
/** New codes from one network: enough for an office, little use to who wants to block others. */
const CODES_PER_NETWORK_MAX = 60;
const CODES_WINDOW_MS = 60 * 60_000;
/** The page asks every two seconds while somebody looks at it. */
const LOOKING_MS = 20_000;
/** After so long a page that is still open has to ask for a code itself. */
const RENEWED_MS = 30 * 60_000;
/** How long a page can say how it went. */
const KEPT_MS = 60 * 60_000;
const VISITOR_ID = /^[0-9a-f]{32}$/;

/** The login of one visitor of the page. */
export interface Visit {
  readonly login: IlinkLogin;
  readonly network: string;
  readonly startedAtMs: number;
  lookedAtMs: number;
  readonly stopping: AbortController;
}

export interface VisitorsOptions {
  readonly clock: Clock;
  readonly limiter: RateLimiter;
  /** Makes a login; `mayRenew` says whether somebody looks. */
  createLogin(mayRenew: () => boolean): IlinkLogin;
}

/**
 * The people who have our page open: each has a login of their own. How many there may be is
 * limited; who no longer looks makes room for who does.
 */
export class IlinkVisitors {
  readonly #options: VisitorsOptions;
  readonly #visits = new Map<string, Visit>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: VisitorsOptions) {
    this.#options = options;
  }

  static createId(): string {
    return randomBytes(16).toString("hex");
  }

  static isId(text: string): boolean {
    return VISITOR_ID.test(text);
  }

  /** The login of that visitor, who looks at it now; `null` when there is none. */
  look(visitorId: string): IlinkLogin | null {
    const visit = this.#visits.get(visitorId);
    if (visit === undefined) return null;
    visit.lookedAtMs = this.#nowMs;
    return visit.login;
  }

  /** A new login in place of that visitor's last one; `null` when there is no room for it. */
  open(visitorId: string, remoteAddress: string): IlinkLogin | null {
    const network = networkOf(remoteAddress);
    this.#close(visitorId);
    this.#forgetOld();
    if (this.#isStopped || !this.#makeRoom(network)) return null;
    const nowMs = this.#nowMs;
    const mayRenew = () => this.#isWatched(visit) && this.#nowMs < nowMs + RENEWED_MS;
    const login = this.#options.createLogin(mayRenew);
    const stopping = new AbortController();
    const visit: Visit = { login, network, startedAtMs: nowMs, lookedAtMs: nowMs, stopping };
    this.#visits.set(visitorId, visit);
    const run = login.run(stopping.signal).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return login;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const id of [...this.#visits.keys()]) this.#close(id);
    await Promise.all(this.#running);
  }

  get #nowMs(): number {
    return this.#options.clock.now().getTime();
  }

  #isWatched({ lookedAtMs }: Visit): boolean {
    return this.#nowMs < lookedAtMs + LOOKING_MS;
  }

  #close(visitorId: string): void {
    this.#visits.get(visitorId)?.stopping.abort();
    this.#visits.delete(visitorId);
  }

  #forgetOld(): void {
    for (const [id, { startedAtMs, login }] of this.#visits) {
      if (login.hasEnded && this.#nowMs >= startedAtMs + KEPT_MS) this.#close(id);
    }
  }

  #makeRoom(network: string): boolean {
    // This machine: the operator, or a proxy that does not say who asks and would be shut to all.
    if (!isLoopback(network)) {
      if (!this.#freeOne(network, OPEN_PER_NETWORK_MAX)) return false;
      const waitMs = this.#options.limiter.take(network, CODES_PER_NETWORK_MAX, CODES_WINDOW_MS);
      if (waitMs > 0) return false;
    }
    return this.#freeOne(null, OPEN_MAX);
  }

  /** Fewer than `countMax` are under way, after the oldest nobody looks at was ended if need be. */
  #freeOne(network: string | null, countMax: number): boolean {
    const open = [...this.#visits].filter(
      ([, visit]) => !visit.login.hasEnded && (network === null || visit.network === network),
    );
    if (open.length < countMax) return true;
    const left = open.find(
      ([, visit]) => !this.#isWatched(visit) && visit.login.state === "waiting",
    );
    if (left === undefined) return false;
    this.#close(left[0]);
    return true;
  }
}
