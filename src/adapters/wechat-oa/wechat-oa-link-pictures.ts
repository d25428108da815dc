import type { LinkPictures } from "../../core/account/link-pictures.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { WECHAT_OA } from "./wechat-oa-errors.ts";
import { LINK_SCENE } from "./wechat-oa-payload.ts";
import type { SceneQr } from "./wechat-oa-scene-qr.ts";

/** The code alone is an answer too, so nobody waits long for its picture. */
const WAIT_MS = 3_000;

export interface WechatOaLinkPicturesOptions {
  readonly createSceneQr: (scene: string, seconds: number) => Promise<SceneQr>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** QR codes of the account: scanning one is the same as writing `/link CODE` to it. */
export class WechatOaLinkPictures implements LinkPictures {
  readonly platform = WECHAT_OA;
  readonly #options: WechatOaLinkPicturesOptions;

  constructor(options: WechatOaLinkPicturesOptions) {
    this.#options = options;
  }

  async create(code: string, lifeMs: number): Promise<string | null> {
    const { createSceneQr, clock } = this.#options;
    const made = new AbortController();
    try {
      return await Promise.race([
        createSceneQr(LINK_SCENE + code, lifeMs / 1_000).then(({ pictureUrl }) => pictureUrl),
        clock.sleep(WAIT_MS, made.signal).then(() => null),
      ]);
    } catch (error) {
      this.#options.log.warn({ err: error }, "QR code for a link not made");
      return null;
    } finally {
      made.abort();
    }
  }
}
