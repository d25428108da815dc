import { z } from "zod";
import { OutsideError, UserError } from "../../core/errors.ts";
import { readAtMost } from "../shared/read-at-most.ts";
import { WECHAT_OA, WechatOaRefusal } from "./wechat-oa-errors.ts";

// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Interface_field_description.html
const DEFAULT_API_ROOT = "https://api.weixin.qq.com";
const CALL_TIMEOUT_MS = 10_000;
const DOWNLOAD_TIMEOUT_MS = 60_000;
/** Answers of WeChat are small; an error in place of a picture is one of them. */
const ANSWER_BYTES_MAX = 1_000_000;

const Answer = z.looseObject({ errcode: z.int().optional(), errmsg: z.string().optional() });
type Answer = z.infer<typeof Answer>;

/**
 * Requests to WeChat. Each has a timeout; each failure is a `WechatOaRefusal`, or an
 * `OutsideError` when no sensible answer came. Neither holds the address, which has the token in it.
 */
export class WechatOaHttp {
  readonly #root: string;

  /** `null`: WeChat's own. */
  constructor(apiRoot: string | null) {
    this.#root = (apiRoot ?? DEFAULT_API_ROOT).replace(/\/+$/, "");
  }

  get host(): string {
    return new URL(this.#root).host;
  }

  async post(path: string, query: Record<string, string>, body: object): Promise<Answer> {
    const response = await this.#request(this.#url(path, query), CALL_TIMEOUT_MS, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return accept(path, Buffer.from(await readBody(response, ANSWER_BYTES_MAX)));
  }

  /** A file of WeChat. Throws `UserError("attachment_too_large")` when it is longer than allowed. */
  async download(
    path: string,
    query: Record<string, string>,
    sizeBytesMax: number,
  ): Promise<Uint8Array> {
    return await this.#load(this.#url(path, query), path, sizeBytesMax);
  }

  /** The same from a whole address. */
  async downloadFrom(url: URL, sizeBytesMax: number): Promise<Uint8Array> {
    return await this.#load(url, "picture", sizeBytesMax);
  }

  async #load(url: URL, name: string, sizeBytesMax: number): Promise<Uint8Array> {
    const response = await this.#request(url, DOWNLOAD_TIMEOUT_MS, {});
    const type = response.headers.get("content-type") ?? "";
    if (/json|text\/plain/i.test(type)) {
      accept(name, Buffer.from(await readBody(response, ANSWER_BYTES_MAX)));
      throw new OutsideError(WECHAT_OA, "rejected");
    }
    return await readBody(response, sizeBytesMax);
  }

  #url(path: string, query: Record<string, string>): URL {
    return new URL(`${this.#root}/cgi-bin/${path}?${new URLSearchParams(query)}`);
  }

  async #request(url: URL, timeoutMs: number, init: RequestInit): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, { ...init, signal: timeout, redirect: "error" });
      if (response.ok) return response;
      await response.body?.cancel();
      const isBusy = response.status >= 500 || response.status === 429;
      throw new OutsideError(WECHAT_OA, isBusy ? "overloaded" : "rejected");
    } catch (error) {
      if (error instanceof OutsideError) throw error;
      throw unanswered(timeout, error);
    }
  }
}

/** Throws what the answer says. */
function accept(path: string, body: Buffer): Answer {
  const { data: answer } = Answer.safeParse(parseJson(body.toString("utf8")));
  // Something between us and WeChat answers in its place.
  if (answer === undefined) throw new OutsideError(WECHAT_OA, "overloaded");
  const { errcode = 0, errmsg = "" } = answer;
  if (errcode !== 0) throw new WechatOaRefusal(path, errcode, errmsg);
  return answer;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function readBody(response: Response, sizeBytesMax: number): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array();
  try {
    return await readAtMost(response.body, sizeBytesMax);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unanswered(null, error);
  }
}

function unanswered(timeout: AbortSignal | null, error: unknown): OutsideError {
  // The message of a network error may name the address, and with it the token: only the code.
  const code = errorCode(error) ?? errorCode((error as { cause?: unknown } | null)?.cause);
  const cause = code === null ? undefined : new Error(code);
  const isLate = timeout?.aborted === true || isTimeout(error);
  return new OutsideError(WECHAT_OA, isLate ? "timeout" : "unreachable", { cause });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

function errorCode(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
