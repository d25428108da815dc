import { OutsideError } from "../../core/errors.ts";
import type { WechatOaApi } from "./wechat-oa-api.ts";
import { toOutsideError, WECHAT_OA } from "./wechat-oa-errors.ts";
import type { WechatOaHttp } from "./wechat-oa-http.ts";
import type { PictureSource } from "./wechat-oa-message.ts";

/** Where WeChat keeps pictures of people: mmbiz.qpic.cn and its like. */
const PICTURE_HOST = /(^|\.)qpic\.cn$/;

/**
 * Fetches a picture from where it lies open, or else by its media id, which not every account may.
 * Addresses outside of WeChat are not followed. Throws `OutsideError`, or
 * `UserError("attachment_too_large")`.
 */
export async function loadPicture(
  { url, mediaId }: PictureSource,
  sizeBytesMax: number,
  { http, api }: { readonly http: WechatOaHttp; readonly api: WechatOaApi },
): Promise<Uint8Array> {
  const address = pictureAddress(url, http.host);
  try {
    if (address === null) return await loadMedia(mediaId, sizeBytesMax, api);
    try {
      return await http.downloadFrom(address, sizeBytesMax);
    } catch (error) {
      if (!(error instanceof OutsideError) || mediaId === null) throw error;
      return await loadMedia(mediaId, sizeBytesMax, api);
    }
  } catch (error) {
    throw toOutsideError(error);
  }
}

async function loadMedia(
  mediaId: string | null,
  sizeBytesMax: number,
  api: WechatOaApi,
): Promise<Uint8Array> {
  if (mediaId === null) throw new OutsideError(WECHAT_OA, "rejected");
  return await api.downloadMedia(mediaId, sizeBytesMax);
}

/** `null` unless it is an address of WeChat. */
function pictureAddress(url: string | null, apiHost: string): URL | null {
  if (url === null || !URL.canParse(url)) return null;
  const address = new URL(url);
  if (!/^https?:$/.test(address.protocol)) return null;
  return PICTURE_HOST.test(address.hostname) || address.host === apiHost ? address : null;
}
