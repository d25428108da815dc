import type { OutsideErrorKind } from "../core/errors.ts";
import { UpstreamError } from "../core/upstream/upstream-error.ts";
import type { Refusal } from "./streamed-call.ts";

/** No provider is waited for longer than this, whatever its header says. */
const RETRY_AFTER_MS_MAX = 86_400_000;

/**
 * What a provider told us about a failure. Its message is looked at and never passed on: it may
 * quote the request.
 */
export interface ProviderFault {
  readonly status: number | null;
  readonly code: string | null;
  readonly type: string | null;
  readonly param: string | null;
  readonly message: string;
  readonly requestId: string | null;
  readonly retryAfterMs: number | undefined;
  /** OpenRouter says so of a request that its moderation stopped. */
  readonly isModerated: boolean;
}

// Codes of OpenAI (https://platform.openai.com/docs/guides/error-codes), Moonshot, Alibaba Cloud and new-api.
const QUOTA_CODES: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "billing_not_active",
  "billing_hard_limit_reached",
  "exceeded_current_quota_error",
  "insufficient_balance",
  "insufficient_user_quota",
  "pre_consume_token_quota_failed",
  "arrearage",
]);
const KEY_CODES: ReadonlySet<string> = new Set([
  "invalid_api_key",
  "invalid_authentication_error",
  "incorrect_api_key_error",
  "authentication_error",
  "account_deactivated",
  "account_suspended",
  "access_terminated",
  "unsupported_country_region_territory",
]);
const REQUEST_CODES: ReadonlySet<string> = new Set([
  "context_length_exceeded",
  "string_above_max_length",
  "content_policy_violation",
  "content_filter",
  "invalid_prompt",
  "invalid_image",
  "unsupported_parameter",
  "unsupported_value",
]);
const MODEL_CODES: ReadonlySet<string> = new Set(["model_not_found", "model_not_supported"]);
const RATE_CODES: ReadonlySet<string> = new Set(["rate_limit_exceeded", "rate_limit_error"]);
// DeepSeek answers 400 "Model Not Exist" without a code. Only at the start: further on, a message may
// quote what a person wrote.
const MODEL_MISSING_PATTERN = /^(\d{3} )?(the )?model\b.{0,120}not (exist|found)/i;

const TIMEOUT_CODES: ReadonlySet<string | null> = new Set(["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT"]);

/** Turns whatever a connection threw into something that may be logged. */
export function translateError(upstream: string, error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = connectionCode(error);
  return new UpstreamError(upstream, TIMEOUT_CODES.has(code) ? "timeout" : "unreachable", { code });
}

/** For a response in place of a stream. */
export function translateRefusal(upstream: string, refusal: Refusal): UpstreamError {
  const { status, body } = refusal;
  return status < 400
    ? translateBody(upstream, errorIn(body), status)
    : faultToError(upstream, faultOf(refusal));
}

/** For an error object that came inside a body or a stream, with the status of the response. */
export function translateBody(
  upstream: string,
  body: unknown,
  status: number | null,
): UpstreamError {
  const { code, type, param, message, metadata } = fieldsOf(body);
  return faultToError(upstream, {
    // OpenRouter puts what would have been the HTTP status into the code.
    status: typeof code === "number" ? code : status,
    code: wordOf(code),
    type: wordOf(type),
    param: wordOf(param),
    message: typeof message === "string" ? message : "",
    requestId: null,
    retryAfterMs: undefined,
    isModerated: isModerated(metadata),
  });
}

/** What the provider said, for whoever must look closer than `translateRefusal`. */
export function faultOf({ status, headers, body }: Refusal): ProviderFault {
  const { code, type, param, message, metadata } = fieldsOf(errorIn(body));
  const get = (name: string) => wordOf(headers[name]);
  return {
    status,
    code: wordOf(code),
    type: wordOf(type),
    param: wordOf(param),
    message: typeof message === "string" ? message : "",
    requestId: get("x-request-id"),
    retryAfterMs: readRetryAfter({ get }, Date.now()),
    isModerated: isModerated(metadata),
  };
}

/** Most providers put their error object into a field; some send it as it is. */
function errorIn(body: unknown): unknown {
  return typeof body === "object" && body !== null && "error" in body ? body.error : body;
}

/** Milliseconds from `retry-after-ms` or `retry-after`, which counts seconds or names a date. */
export function readRetryAfter(headers: Pick<Headers, "get">, nowMs: number): number | undefined {
  const ms = numberOf(headers.get("retry-after-ms"));
  const text = headers.get("retry-after");
  const seconds = numberOf(text);
  let waitMs = ms ?? (seconds === null ? null : seconds * 1000);
  if (waitMs === null && text !== null) waitMs = Date.parse(text) - nowMs;
  if (waitMs === null || Number.isNaN(waitMs)) return undefined;
  return Math.ceil(Math.min(RETRY_AFTER_MS_MAX, Math.max(0, waitMs)));
}

function faultToError(upstream: string, fault: ProviderFault): UpstreamError {
  const { status, requestId, retryAfterMs } = fault;
  const code = fault.code ?? fault.type ?? (status === null ? null : `http_${status}`);
  const details = { code, requestId, retryAfterMs, status: status ?? undefined };
  if (isModelMissing(fault)) {
    return new UpstreamError(upstream, "rejected", { ...details, isModelMissing: true });
  }
  return new UpstreamError(upstream, kindOf(fault), details);
}

function isModelMissing({ status, code, message }: ProviderFault): boolean {
  if (code !== null && MODEL_CODES.has(code)) return true;
  return status === 404 || (status === 400 && MODEL_MISSING_PATTERN.test(message));
}

function kindOf(fault: ProviderFault): OutsideErrorKind {
  const words = [fault.code, fault.type].map((word) => word?.toLowerCase() ?? "");
  if (words.some((word) => QUOTA_CODES.has(word))) return "quota";
  if (words.some((word) => REQUEST_CODES.has(word)) || fault.isModerated) return "rejected";
  if (words.some((word) => KEY_CODES.has(word))) return "unauthorized";
  if (words.some((word) => RATE_CODES.has(word))) return "rate_limited";
  return kindOfStatus(fault);
}

function kindOfStatus({ status, retryAfterMs }: ProviderFault): OutsideErrorKind {
  // Without a status nothing is known but that the provider failed while it answered.
  if (status === null || status >= 500 || status < 400) {
    return status === 504 || status === 524 ? "timeout" : "overloaded";
  }
  if (status === 401 || status === 403) return "unauthorized";
  // OpenRouter sends 402 with a time when too many calls at once reserve the credit that is left.
  if (status === 402) return retryAfterMs === undefined ? "quota" : "rate_limited";
  if (status === 408) return "timeout";
  if (status === 409 || status === 425) return "overloaded";
  return status === 429 ? "rate_limited" : "rejected";
}

/** The system's word for a broken connection, e.g. "ECONNREFUSED". */
function connectionCode(error: unknown): string | null {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    if ("code" in current && typeof current.code === "string") return current.code;
    current = current.cause;
  }
  return null;
}

function isModerated(metadata: unknown): boolean {
  const { flagged_input, reasons } = fieldsOf(metadata);
  return flagged_input !== undefined || Array.isArray(reasons);
}

/** The fields that error objects of providers have; none of them can be relied on. */
interface ErrorFields {
  readonly code?: unknown;
  readonly type?: unknown;
  readonly param?: unknown;
  readonly message?: unknown;
  readonly metadata?: unknown;
  readonly flagged_input?: unknown;
  readonly reasons?: unknown;
}

function fieldsOf(value: unknown): ErrorFields {
  return typeof value === "object" && value !== null ? value : {};
}

function wordOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function numberOf(text: string | null): number | null {
  if (text === null || !/^\s*-?\d+(\.\d+)?\s*$/.test(text)) return null;
  return Number(text);
}
