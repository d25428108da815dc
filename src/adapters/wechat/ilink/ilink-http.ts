import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { OutsideError } from "../../../core/errors.ts";
import { readAtMost } from "../../shared/read-at-most.ts";
import { WECHAT } from "../wechat-errors.ts";
import { AnswerStatus } from "./ilink-answers.ts";
import { IlinkRefusal, unanswered } from "./ilink-errors.ts";
import { parseIlinkJson } from "./ilink-json.ts";

export const TENCENT_BASE_URL = "https://ilinkai.weixin.qq.com";

/** The protocol as Tencent's own client of that version speaks it: @tencent-weixin/openclaw-weixin. */
const CHANNEL_VERSION = "2.4.9";
const BASE_INFO = { channel_version: CHANNEL_VERSION, bot_agent: "Dianka/0.1.0" };
/** A poll brings some messages, and pictures come separately. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const CALL_TIMEOUT_MS = 15_000;

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The calls to iLink at one address, with the token of one bot or with none. Each has a timeout;
 * each failure is an `IlinkRefusal`, or an `OutsideError` when no answer came. Neither holds the
 * token. Redirects are not followed, as the token would go along.
 */
export class IlinkHttp {
  readonly #baseUrl: string;
  readonly #token: string | null;

  constructor(baseUrl: string, token: string | null) {
    this.#baseUrl = `${baseUrl.replace(/\/+$/, "")}/ilink/bot/`;
    this.#token = token;
  }

  async post<Schema extends z.ZodType>(
    call: string,
    body: object,
    schema: Schema,
    options: CallOptions = {},
  ): Promise<z.infer<Schema>> {
    const headers: Record<string, string> = {
      "content-type": "application/json",
      AuthorizationType: "ilink_bot_token",
      "X-WECHAT-UIN": randomUin(),
      ...CLIENT_HEADERS,
    };
    if (this.#token !== null) headers.Authorization = `Bearer ${this.#token}`;
    const json = JSON.stringify({ ...body, base_info: BASE_INFO });
    return this.#call(call, { method: "POST", headers, body: json }, schema, options);
  }

  async get<Schema extends z.ZodType>(
    call: string,
    schema: Schema,
    options: CallOptions = {},
  ): Promise<z.infer<Schema>> {
    return this.#call(call, { method: "GET", headers: CLIENT_HEADERS }, schema, options);
  }

  async #call<Schema extends z.ZodType>(
    call: string,
    request: RequestInit,
    schema: Schema,
    { timeoutMs = CALL_TIMEOUT_MS, signal }: CallOptions,
  ): Promise<z.infer<Schema>> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signals = signal === undefined ? [timeout] : [timeout, signal];
    const name = call.split("?")[0] ?? call;
    try {
      const response = await fetch(this.#baseUrl + call, {
        ...request,
        redirect: "error",
        signal: AbortSignal.any(signals),
      });
      return await readAnswer(name, response, schema);
    } catch (error) {
      if (error instanceof IlinkRefusal || error instanceof OutsideError) throw error;
      throw unanswered(timeout, error);
    }
  }
}

const CLIENT_HEADERS = {
  "iLink-App-Id": "bot",
  "iLink-App-ClientVersion": String(encodeVersion(CHANNEL_VERSION)),
};

/** major << 16 | minor << 8 | patch */
function encodeVersion(version: string): number {
  return version.split(".").reduce((sum, part) => (sum << 8) | (Number(part) & 0xff), 0);
}

/** base64 of a random uint32 in decimal, a new one for each call. */
function randomUin(): string {
  return Buffer.from(String(randomBytes(4).readUInt32BE(0))).toString("base64");
}

async function readAnswer<Schema extends z.ZodType>(
  call: string,
  response: Response,
  schema: Schema,
): Promise<z.infer<Schema>> {
  if (!response.ok) {
    await response.body?.cancel();
    throw httpError(response);
  }
  const bytes = response.body === null ? null : await readAtMost(response.body, ANSWER_BYTES_MAX);
  const answer = parseAnswer(bytes === null ? "" : Buffer.from(bytes).toString("utf8"));
  const status = AnswerStatus.safeParse(answer);
  if (!status.success) throw unreadable(call);
  const code = status.data.ret || status.data.errcode || 0;
  if (code !== 0) throw new IlinkRefusal(call, code, status.data.errmsg ?? "");
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw unreadable(call);
  return parsed.data;
}

/** `null` when it is no JSON: a proxy on the way may answer 200 with a page. */
function parseAnswer(text: string): unknown {
  try {
    return parseIlinkJson(text);
  } catch {
    return null;
  }
}

function unreadable(call: string): OutsideError {
  return new OutsideError(WECHAT, "rejected", { cause: new Error(`${call}: unreadable answer`) });
}

function httpError(response: Response): OutsideError {
  const cause = new Error(`HTTP ${response.status}`);
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  if (response.status === 429) {
    const retryAfterMs = Number.isFinite(retryAfterS) ? retryAfterS * 1000 : undefined;
    return new OutsideError(WECHAT, "rate_limited", { retryAfterMs, cause });
  }
  if (response.status === 401 || response.status === 403) {
    return new OutsideError(WECHAT, "unauthorized", { cause });
  }
  return new OutsideError(WECHAT, response.status >= 500 ? "overloaded" : "rejected", { cause });
}
