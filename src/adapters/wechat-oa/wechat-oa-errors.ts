import { OutsideError } from "../../core/errors.ts";

export const WECHAT_OA = "wechat-oa";

/** Return codes we act on. https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html */
export const CODE = {
  windowClosed: 45015,
  tooManySends: 45047,
  typingTooLate: 45080,
  typingShown: 45081,
  noRight: 48001,
  addressNotAllowed: 40164,
} as const;

const TOKEN_STALE = new Set([40001, 40014, 41001, 42001]);
const CREDENTIALS_WRONG = new Set([40002, 40013, 40125, 41002, 41004]);
const PERSON_GONE = new Set([40003, 43004, 43019, 48002, 50005]);
const TOO_FAST = new Set([45009, 45011]);
/** -1: WeChat is busy, or failed inside. */
const BUSY = new Set([-1, 50001, 50002]);

/**
 * WeChat understood the call and refused it. Stays inside the adapter, which translates it by
 * `toOutsideError`.
 */
export class WechatOaRefusal extends Error {
  override readonly name = "WechatOaRefusal";
  readonly code: number;
  readonly reason: string;

  constructor(path: string, code: number, reason: string) {
    super(`${path}: ${code} ${reason}`);
    this.code = code;
    this.reason = reason;
  }

  /** Another access token may do. */
  get isTokenStale(): boolean {
    return TOKEN_STALE.has(this.code);
  }
}

export function isRefusal(error: unknown, ...codes: readonly number[]): error is WechatOaRefusal {
  return error instanceof WechatOaRefusal && codes.includes(error.code);
}

/** The error the core may see. Whatever is no refusal passes through unchanged. */
export function toOutsideError(error: unknown): unknown {
  if (!(error instanceof WechatOaRefusal)) return error;
  return new OutsideError(WECHAT_OA, kindOf(error), { cause: error });
}

/** One sentence for operators; `null` when the refusal is not about the account as a whole. */
export function describeRefusal({ code, reason }: WechatOaRefusal): string | null {
  if (code === CODE.addressNotAllowed) {
    const address = /\b\d{1,3}(?:\.\d{1,3}){3}\b/.exec(reason)?.[0] ?? "of this machine";
    return `WeChat refuses our IP address ${address}: add it to the account's IP allow-list`;
  }
  if (CREDENTIALS_WRONG.has(code) || TOKEN_STALE.has(code)) {
    return "WeChat refuses the account: check WECHAT_OA_APP_ID and WECHAT_OA_APP_SECRET";
  }
  return null;
}

function kindOf({ code, isTokenStale }: WechatOaRefusal): OutsideError["kind"] {
  if (code === CODE.windowClosed || code === CODE.tooManySends || code === CODE.noRight) {
    return "window_closed";
  }
  if (isTokenStale || CREDENTIALS_WRONG.has(code) || code === CODE.addressNotAllowed) {
    return "unauthorized";
  }
  if (PERSON_GONE.has(code)) return "chat_gone";
  if (TOO_FAST.has(code)) return "rate_limited";
  return BUSY.has(code) ? "overloaded" : "rejected";
}
