import { LoginCodeAnswer, LoginStatusAnswer } from "./ilink-answers.ts";
import { IlinkHttp } from "./ilink-http.ts";

/** What Tencent's own client asks for. */
const BOT_TYPE = "3";
const CODE_TIMEOUT_MS = 20_000;
/** The server holds the question for about 35 s. */
const STATUS_TIMEOUT_MS = 45_000;
/** As many as Tencent's client shows, so that iLink recognizes a bot that is ours already. */
const TOKENS_SHOWN_MAX = 10;

export interface LoginCode {
  /** Names the login in further questions. A secret: who has it gets the token. */
  readonly id: string;
  /** What the QR code says. */
  readonly code: string;
}

/** The calls by which a person becomes one of ours. Throws what `IlinkHttp` throws. */
export class IlinkLoginApi {
  readonly baseUrl: string;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  /** `tokens` are those of our logins, the newest first. */
  async createCode(tokens: readonly string[], signal: AbortSignal): Promise<LoginCode> {
    const answer = await new IlinkHttp(this.baseUrl, null).post(
      `get_bot_qrcode?bot_type=${BOT_TYPE}`,
      { local_token_list: tokens.slice(0, TOKENS_SHOWN_MAX) },
      LoginCodeAnswer,
      { timeoutMs: CODE_TIMEOUT_MS, signal },
    );
    return { id: answer.qrcode, code: answer.qrcode_img_content };
  }

  /** Resolves when something happened, or after a while. `host` is where iLink sent us last. */
  async readStatus(
    host: string,
    id: string,
    verifyCode: string | null,
    signal: AbortSignal,
  ): Promise<LoginStatusAnswer> {
    const query = new URLSearchParams({ qrcode: id });
    if (verifyCode !== null) query.set("verify_code", verifyCode);
    const http = new IlinkHttp(host, null);
    return http.get(`get_qrcode_status?${query}`, LoginStatusAnswer, {
      timeoutMs: STATUS_TIMEOUT_MS,
      signal,
    });
  }
}
