import { z } from "zod";
import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { SecretBox } from "../../core/upstream/secret-box.ts";
import { WECHAT_OA } from "./wechat-oa-errors.ts";
import type { WechatOaHttp } from "./wechat-oa-http.ts";

const MEMORY_KEY = "access-token";
// In its last five minutes WeChat gives out a new one while the old one still works.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html
const RENEW_BEFORE_MS = 4 * 60_000;

const Granted = z.object({ access_token: z.string().min(1), expires_in: z.int() });
const Kept = z.object({ token: z.string().min(1), expiresAtMs: z.number() });
type Kept = z.infer<typeof Kept>;

export interface AccessTokenOptions {
  readonly appId: string;
  readonly appSecret: string;
  readonly http: WechatOaHttp;
  readonly memory: AdapterMemory;
  readonly box: SecretBox;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The one access token of an account, shared by every process through the adapter's memory, where
 * it lies sealed. Fetched when it is first needed and again a little before it expires.
 */
export class AccessToken {
  readonly #options: AccessTokenOptions;
  #current: Kept | null = null;
  #refreshing: Promise<string> | null = null;

  constructor(options: AccessTokenOptions) {
    this.#options = options;
  }

  /** Throws `WechatOaRefusal` or `OutsideError`. */
  async read(): Promise<string> {
    return this.#isFresh(this.#current) ? this.#current.token : await this.#refresh(null);
  }

  /** The token to use in place of one that WeChat refused. */
  async replace(refused: string): Promise<string> {
    // Others may be waiting for a new one already.
    await this.#refreshing?.catch(() => {});
    const current = this.#current;
    if (this.#isFresh(current) && current.token !== refused) return current.token;
    return await this.#refresh(refused);
  }

  /** One refresh at a time, however many wait for it. */
  async #refresh(refused: string | null): Promise<string> {
    this.#refreshing ??= this.#load(refused).finally(() => {
      this.#refreshing = null;
    });
    return await this.#refreshing;
  }

  async #load(refused: string | null): Promise<string> {
    const kept = await this.#readKept();
    if (this.#isFresh(kept) && kept.token !== refused) {
      this.#current = kept;
      return kept.token;
    }
    let granted = await this.#fetch(false);
    // WeChat believes that it is good all the same, so it has to be told.
    if (granted.token === refused) granted = await this.#fetch(true);
    this.#current = granted;
    const { memory, box } = this.#options;
    await memory.write(MEMORY_KEY, box.seal(JSON.stringify(granted)));
    return granted.token;
  }

  async #fetch(isForced: boolean): Promise<Kept> {
    const { appId, appSecret, http, clock, log } = this.#options;
    const askedAtMs = clock.now().getTime();
    const answer = await http.post(
      "stable_token",
      {},
      {
        grant_type: "client_credential",
        appid: appId,
        secret: appSecret,
        force_refresh: isForced,
      },
    );
    const { data: granted } = Granted.safeParse(answer);
    if (granted === undefined) throw new OutsideError(WECHAT_OA, "overloaded");
    log.debug({ isForced, expiresInSeconds: granted.expires_in }, "access token fetched");
    return { token: granted.access_token, expiresAtMs: askedAtMs + granted.expires_in * 1000 };
  }

  async #readKept(): Promise<Kept | null> {
    const { memory, box, log } = this.#options;
    const sealed = await memory.read(MEMORY_KEY);
    if (sealed === null) return null;
    try {
      return Kept.parse(JSON.parse(box.open(sealed)));
    } catch {
      log.warn({}, "kept access token cannot be read");
      return null;
    }
  }

  #isFresh(kept: Kept | null): kept is Kept {
    const nowMs = this.#options.clock.now().getTime();
    return kept !== null && kept.expiresAtMs - nowMs > RENEW_BEFORE_MS;
  }
}
