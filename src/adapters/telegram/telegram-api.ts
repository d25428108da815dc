import { Api, GrammyError, HttpError, type RawApi } from "grammy";
import { OutsideError, UserError } from "../../core/errors.ts";
import { readAtMost } from "../shared/read-at-most.ts";

// https://core.telegram.org/bots/api#making-requests
const DEFAULT_API_ROOT = "https://api.telegram.org";
/** Telegram itself may hold a call for some seconds when it is busy. */
const CALL_TIMEOUT_MS = 30_000;
const DOWNLOAD_TIMEOUT_MS = 60_000;

export const TELEGRAM = "telegram";

/**
 * Telegram understood the call and refused it. Stays inside the adapter, which translates it by
 * `toOutsideError`. Unlike grammY's error it does not carry what was sent.
 */
export class TelegramRefusal extends Error {
  override readonly name = "TelegramRefusal";
  readonly code: number;
  readonly description: string;
  readonly retryAfterMs: number | undefined;
  /** The group's new id, when it has moved. */
  readonly migratedTo: string | null;

  constructor(error: GrammyError) {
    super(`${error.method}: ${error.error_code} ${error.description}`);
    const { retry_after: retryAfter, migrate_to_chat_id: migratedTo } = error.parameters;
    this.code = error.error_code;
    this.description = error.description;
    this.retryAfterMs = retryAfter === undefined ? undefined : retryAfter * 1000;
    this.migratedTo = migratedTo === undefined ? null : String(migratedTo);
  }
}

/**
 * The calls to Telegram. Each has a timeout; each failure is a `TelegramRefusal`, or an
 * `OutsideError` when no answer came. Neither ever holds the token, which is a part of every URL.
 */
export class TelegramApi {
  readonly #api: Api;
  readonly #fileRoot: string;

  constructor(token: string, apiRoot: string | null) {
    const root = (apiRoot ?? DEFAULT_API_ROOT).replace(/\/+$/, "");
    this.#api = new Api(token, { apiRoot: root });
    this.#fileRoot = `${root}/file/bot${token}`;
  }

  async call<T>(
    request: (raw: RawApi, signal: ApiSignal) => Promise<T>,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS);
    const signals = options.signal === undefined ? [timeout] : [timeout, options.signal];
    try {
      return await request(this.#api.raw, AbortSignal.any(signals) as unknown as ApiSignal);
    } catch (error) {
      if (error instanceof GrammyError) throw new TelegramRefusal(error);
      if (!(error instanceof HttpError)) throw error;
      throw unanswered(timeout, error.error);
    }
  }

  /** Throws `OutsideError`, or `UserError("attachment_too_large")` when it is longer than allowed. */
  async download(fileId: string, sizeBytesMax: number): Promise<Uint8Array> {
    const path = await this.#filePath(fileId, sizeBytesMax);
    const timeout = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    try {
      const response = await fetch(`${this.#fileRoot}/${path}`, { signal: timeout });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        throw new OutsideError(TELEGRAM, response.status >= 500 ? "overloaded" : "rejected");
      }
      return await readAtMost(response.body, sizeBytesMax);
    } catch (error) {
      if (error instanceof OutsideError || error instanceof UserError) throw error;
      throw unanswered(timeout, error);
    }
  }

  async #filePath(fileId: string, sizeBytesMax: number): Promise<string> {
    try {
      const file = await this.call((raw, signal) => raw.getFile({ file_id: fileId }, signal));
      return (file.file_path ?? "").split("/").map(encodeURIComponent).join("/");
    } catch (error) {
      if (error instanceof TelegramRefusal && FILE_TOO_BIG.test(error.description)) {
        throw new UserError("attachment_too_large", { sizeBytesMax });
      }
      throw toOutsideError(error);
    }
  }
}

/** The signal type of grammY's HTTP client; Node's own signals do what it needs. */
export type ApiSignal = NonNullable<Parameters<RawApi["getMe"]>[0]>;

/** The error the core may see. Whatever is no refusal passes through unchanged. */
export function toOutsideError(error: unknown): unknown {
  if (!(error instanceof TelegramRefusal)) return error;
  const { retryAfterMs } = error;
  return new OutsideError(TELEGRAM, kindOf(error), { retryAfterMs, cause: error });
}

function kindOf({ code, description }: TelegramRefusal): OutsideError["kind"] {
  if (code === 429) return "rate_limited";
  if (code === 401 || code === 404) return "unauthorized";
  if (code === 403) return "chat_gone";
  if (code >= 500) return "overloaded";
  if (MESSAGE_GONE.test(description)) return "message_gone";
  if (CHAT_GONE.test(description)) return "chat_gone";
  return "rejected";
}

const FILE_TOO_BIG = /file is too big/i;
const MESSAGE_GONE = /message to edit not found|message can't be edited|MESSAGE_ID_INVALID/i;
const CHAT_GONE =
  /chat not found|user not found|group chat was (deactivated|deleted)|PEER_ID_INVALID|(not enough|have no) rights to send|CHAT_WRITE_FORBIDDEN|CHAT_RESTRICTED|TOPIC_CLOSED/i;

function unanswered(timeout: AbortSignal, error: unknown): OutsideError {
  // The message of a network error names the URL, and with it the token: keep the code alone.
  const code = errorCode(error) ?? errorCode((error as { cause?: unknown } | null)?.cause);
  const cause = code === null ? undefined : new Error(code);
  return new OutsideError(TELEGRAM, timeout.aborted ? "timeout" : "unreachable", { cause });
}

function errorCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
