import { z } from "zod";
import { OutsideError } from "../../core/errors.ts";
import type { WechatOaApi } from "./wechat-oa-api.ts";
import { toOutsideError, WECHAT_OA } from "./wechat-oa-errors.ts";

// https://developers.weixin.qq.com/doc/offiaccount/Account_Management/Generating_a_Parametric_QR_Code.html
const SECONDS_MIN = 60;
const SECONDS_MAX = 30 * 24 * 60 * 60;
const SCENE = /^[\x21-\x7e]{1,64}$/;
const PICTURE_PAGE = "https://mp.weixin.qq.com/cgi-bin/showqrcode";

const Created = z.object({ ticket: z.string().min(1), url: z.string().min(1) });

/** A QR code that leads to the account; scanning it sends `/start SCENE`, or `/link CODE`. */
export interface SceneQr {
  readonly ticket: string;
  /** What the code says: for drawing it ourselves. */
  readonly url: string;
  /** WeChat's own picture of it. */
  readonly pictureUrl: string;
}

/**
 * Makes one that ends after `seconds`, from a minute to 30 days; `null`: one that never ends, of
 * which an account has 100,000 in all. Throws `OutsideError`, or `RangeError` for a scene of other
 * than 1 to 64 visible ASCII characters.
 */
export async function createSceneQr(
  api: WechatOaApi,
  scene: string,
  seconds: number | null,
): Promise<SceneQr> {
  if (!SCENE.test(scene)) throw new RangeError("a scene has 1 to 64 characters");
  const isValid = seconds === null || (seconds >= SECONDS_MIN && seconds <= SECONDS_MAX);
  if (!isValid) throw new RangeError("a code is valid from a minute to 30 days");
  const action = { action_info: { scene: { scene_str: scene } } };
  try {
    const answer = await api.call(
      "qrcode/create",
      seconds === null
        ? { action_name: "QR_LIMIT_STR_SCENE", ...action }
        : { action_name: "QR_STR_SCENE", expire_seconds: Math.floor(seconds), ...action },
    );
    const { data: created } = Created.safeParse(answer);
    if (created === undefined) throw new OutsideError(WECHAT_OA, "overloaded");
    const query = new URLSearchParams({ ticket: created.ticket });
    return { ...created, pictureUrl: `${PICTURE_PAGE}?${query}` };
  } catch (error) {
    throw toOutsideError(error);
  }
}
