import { OutsideError } from "../../core/errors.ts";
import { AccessToken, type AccessTokenOptions } from "./wechat-oa-access-token.ts";
import { describeRefusal, WechatOaRefusal } from "./wechat-oa-errors.ts";
import type { WechatOaHttp } from "./wechat-oa-http.ts";

const UNREACHABLE = "WeChat cannot be reached";

/**
 * The calls to WeChat in the name of the account. A stale token is replaced and the call made once
 * more. Failures are `WechatOaRefusal` or `OutsideError`.
 */
export class WechatOaApi {
  readonly #http: WechatOaHttp;
  readonly #token: AccessToken;
  #problem: string | null = null;

  constructor(options: AccessTokenOptions) {
    this.#http = options.http;
    this.#token = new AccessToken(options);
  }

  /** What is wrong with the account as a whole; `null` when the last call worked. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Whether WeChat knows us; if not, `problem` says why. */
  async connect(): Promise<boolean> {
    try {
      await this.#withToken(async () => {});
      return true;
    } catch (error) {
      if (!(error instanceof WechatOaRefusal || error instanceof OutsideError)) throw error;
      this.#problem ??= UNREACHABLE;
      return false;
    }
  }

  /** `path` is what follows "/cgi-bin/". */
  async call(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    return await this.#withToken((token) => this.#http.post(path, { access_token: token }, body));
  }

  /** Throws `UserError("attachment_too_large")` as well. */
  async downloadMedia(mediaId: string, sizeBytesMax: number): Promise<Uint8Array> {
    return await this.#withToken((token) =>
      this.#http.download("media/get", { access_token: token, media_id: mediaId }, sizeBytesMax),
    );
  }

  async #withToken<T>(request: (token: string) => Promise<T>): Promise<T> {
    try {
      const token = await this.#token.read();
      const result = await this.#withNewToken(token, request);
      this.#problem = null;
      return result;
    } catch (error) {
      if (error instanceof WechatOaRefusal) this.#problem = describeRefusal(error);
      throw error;
    }
  }

  async #withNewToken<T>(token: string, request: (token: string) => Promise<T>): Promise<T> {
    try {
      return await request(token);
    } catch (error) {
      if (!(error instanceof WechatOaRefusal) || !error.isTokenStale) throw error;
      return await request(await this.#token.replace(token));
    }
  }
}
