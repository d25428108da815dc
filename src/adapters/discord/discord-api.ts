import type { REST } from "discord.js";
import type { Clock } from "../../core/clock.ts";
import { OutsideError, UserError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { readAtMost } from "../shared/read-at-most.ts";
import { DISCORD, DiscordRefusal } from "./discord-errors.ts";
import { type DiscordLibrary, loadDiscordLibrary } from "./discord-library.ts";

const DEFAULT_API_URL = "https://discord.com/api";
const CALL_TIMEOUT_MS = 15_000;
const DOWNLOAD_TIMEOUT_MS = 60_000;
/** After Discord refused the token nothing is asked for so long: refusals are counted there. */
const TOKEN_PAUSE_MS = 60_000;
// An IP is banned after 10 000 in ten minutes.
// https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit
const INVALID_CALLS_ALARM = 500;

/** One call of Discord's REST API. */
export interface DiscordCall {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Without the version, e.g. "/channels/1/messages". */
  readonly route: `/${string}`;
  readonly body?: unknown;
  readonly files?: readonly { readonly name: string; readonly data: Uint8Array }[];
  readonly query?: Readonly<Record<string, string>>;
  /** `false` where a token in the route is the right: webhooks and interactions. */
  readonly isAuthorized?: boolean;
  readonly timeoutMs?: number;
}

/**
 * The calls to Discord. Each has a timeout; each failure is a `DiscordRefusal`, or an
 * `OutsideError` when no answer came or a rate limit stands in the way. Nothing waits here for a
 * limit to pass: what waited would be old by then. Neither error holds the token or what was sent.
 */
export class DiscordApi {
  readonly #token: string;
  readonly #apiUrl: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #connecting: Promise<{ readonly library: DiscordLibrary; readonly rest: REST }> | null = null;
  #refusedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(token: string, apiUrl: string | null, clock: Clock, log: Logger) {
    this.#token = token;
    this.#apiUrl = (apiUrl ?? DEFAULT_API_URL).replace(/\/+$/, "");
    this.#clock = clock;
    this.#log = log;
  }

  get apiUrl(): string {
    return this.#apiUrl;
  }

  /** Resolves with the answer's body, which the caller has to check. */
  async call(call: DiscordCall): Promise<unknown> {
    const isAuthorized = call.isAuthorized ?? true;
    const isPaused = this.#clock.now().getTime() < this.#refusedUntilMs;
    if (isAuthorized && isPaused) throw new OutsideError(DISCORD, "unauthorized");
    this.#connecting ??= this.#connect();
    const { library, rest } = await this.#connecting;
    // discord.js forgets a token that was refused once.
    rest.setToken(this.#token);
    try {
      return await rest.request({
        method: call.method as never,
        fullRoute: call.route,
        auth: isAuthorized,
        signal: AbortSignal.timeout(call.timeoutMs ?? CALL_TIMEOUT_MS),
        ...(call.body !== undefined && { body: call.body }),
        ...(call.files !== undefined && {
          files: call.files.map(({ name, data }) => ({ name, data, contentType: "text/plain" })),
        }),
        ...(call.query !== undefined && { query: new URLSearchParams(call.query) }),
      });
    } catch (error) {
      const known = translate(error, library);
      const isTokenRefused = known instanceof DiscordRefusal && known.status === 401;
      if (isTokenRefused && isAuthorized) {
        this.#refusedUntilMs = this.#clock.now().getTime() + TOKEN_PAUSE_MS;
      }
      throw known;
    }
  }

  /** Throws `OutsideError`, or `UserError("attachment_too_large")` when it is longer than allowed. */
  async download(url: string, sizeBytesMax: number): Promise<Uint8Array> {
    const signal = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    try {
      // A redirection could lead anywhere, into our own network too.
      const response = await fetch(url, { signal, redirect: "error" });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new OutsideError(DISCORD, response.status >= 500 ? "overloaded" : "rejected");
      }
      return await readAtMost(response.body, sizeBytesMax);
    } catch (error) {
      if (error instanceof OutsideError || error instanceof UserError) throw error;
      throw new OutsideError(DISCORD, signal.aborted ? "timeout" : "unreachable");
    }
  }

  /** Ends the timers of discord.js. */
  async close(): Promise<void> {
    const connected = await this.#connecting;
    connected?.rest.clearHashSweeper();
    connected?.rest.clearHandlerSweeper();
  }

  async #connect(): Promise<{ library: DiscordLibrary; rest: REST }> {
    const library = await loadDiscordLibrary();
    const rest = new library.REST({
      api: this.#apiUrl,
      version: "10",
      // A repeated message would be seen twice; whether to repeat a call is for the core to say.
      retries: 0,
      timeout: CALL_TIMEOUT_MS,
      rejectOnRateLimit: () => true,
      invalidRequestWarningInterval: INVALID_CALLS_ALARM,
    });
    rest.on(library.RESTEvents.RateLimited, ({ route, retryAfter, scope, global }) => {
      this.#log.debug({ route, retryAfterMs: retryAfter, scope, global }, "rate limit reached");
    });
    rest.on(library.RESTEvents.InvalidRequestWarning, ({ count, remainingTime }) => {
      this.#log.error({ count, remainingMs: remainingTime }, "discord refuses many calls");
    });
    return { library, rest };
  }
}

function translate(error: unknown, library: DiscordLibrary): unknown {
  if (error instanceof library.RateLimitError) {
    const waitMs = error.retryAfter > 0 ? error.retryAfter : error.timeToReset;
    const retryAfterMs = Math.max(1, Math.ceil(waitMs));
    return new OutsideError(DISCORD, "rate_limited", { retryAfterMs });
  }
  if (error instanceof library.DiscordAPIError) {
    return new DiscordRefusal(error.status, Number(error.code) || 0, error.message);
  }
  if (error instanceof library.HTTPError) {
    return new OutsideError(DISCORD, "overloaded", { cause: new Error(`status ${error.status}`) });
  }
  if (!(error instanceof Error)) return error;
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return new OutsideError(DISCORD, "timeout");
  }
  // What answered was not Discord, but something on the way to it.
  if (error instanceof SyntaxError) return new OutsideError(DISCORD, "overloaded");
  const code = errorCode(error) ?? errorCode(error.cause);
  if (code === null) return error;
  return new OutsideError(DISCORD, "unreachable", { cause: new Error(code) });
}

/** The rest of a network error may name the URL, and with it the token of an interaction. */
function errorCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
