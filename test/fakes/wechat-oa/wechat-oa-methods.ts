import { z } from "zod";
import { WechatError, type WechatOaState } from "./wechat-oa-state.ts";

const TEXT_BYTES_MAX = 2_048;
const TYPING_MS = 15_000;
const TYPING_AFTER_CONTACT_MS = 30_000;

const click = z.strictObject({
  type: z.literal("click"),
  name: z.string().min(1),
  key: z.string().min(1).max(128),
});
const Menu = z.strictObject({
  button: z
    .array(
      z.union([
        click,
        z.strictObject({ name: z.string().min(1), sub_button: z.array(click).min(1).max(5) }),
      ]),
    )
    .min(1)
    .max(3),
});
const TokenRequest = z.strictObject({
  grant_type: z.literal("client_credential"),
  appid: z.string(),
  secret: z.string(),
  force_refresh: z.boolean(),
});
const Send = z.strictObject({
  touser: z.string(),
  msgtype: z.literal("text"),
  text: z.strictObject({ content: z.string() }),
});
const Typing = z.strictObject({ touser: z.string(), command: z.enum(["Typing", "CancelTyping"]) });
const QrCode = z.union([
  z.strictObject({
    action_name: z.literal("QR_STR_SCENE"),
    expire_seconds: z.int().min(60).max(2_592_000),
    action_info: z.strictObject({
      scene: z.strictObject({ scene_str: z.string().min(1).max(64) }),
    }),
  }),
  z.strictObject({
    action_name: z.literal("QR_LIMIT_STR_SCENE"),
    action_info: z.strictObject({
      scene: z.strictObject({ scene_str: z.string().min(1).max(64) }),
    }),
  }),
]);

type Method = (state: WechatOaState, body: unknown) => object;

/** The calls of WeChat's API by path; each throws `WechatError`. */
export const METHODS: Readonly<Record<string, Method>> = {
  stable_token: (state, body) => {
    const { appid, secret, force_refresh: isForced } = parse(TokenRequest, body);
    if (appid !== state.settings.appId) throw new WechatError(40013, "invalid appid");
    if (secret !== state.settings.appSecret) throw new WechatError(40125, "invalid appsecret");
    if (!state.settings.isAddressAllowed) state.checkToken(null);
    const { token, expiresInSeconds } = state.grantToken(isForced);
    return { access_token: token, expires_in: expiresInSeconds };
  },
  "message/custom/send": (state, body) => {
    const { touser, text } = parse(Send, body);
    const follower = state.reachable(touser);
    if (text.content === "") throw new WechatError(44004, "empty content");
    if (Buffer.byteLength(text.content) > TEXT_BYTES_MAX) {
      throw new WechatError(45002, "content size out of limit");
    }
    state.takeSend(follower);
    follower.shown.push(text.content);
    follower.typingUntilMs = 0;
    return {};
  },
  "message/custom/typing": (state, body) => {
    const { touser, command } = parse(Typing, body);
    const follower = state.reachable(touser);
    const contactMs = Math.max(follower.message?.atMs ?? 0, follower.event?.atMs ?? 0);
    if (state.nowMs - contactMs > TYPING_AFTER_CONTACT_MS) {
      throw new WechatError(45080, "no message in the last 30 seconds");
    }
    const isShown = follower.typingUntilMs > state.nowMs;
    if (command === "Typing" && isShown) throw new WechatError(45081, "already in typing status");
    follower.typingUntilMs = command === "Typing" ? state.nowMs + TYPING_MS : 0;
    return {};
  },
  "qrcode/create": (_, body) => {
    const { action_info: action, ...more } = parse(QrCode, body);
    const ticket = Buffer.from(`ticket of ${action.scene.scene_str}`).toString("base64");
    return {
      ticket,
      url: `http://weixin.qq.com/q/${encodeURIComponent(action.scene.scene_str)}`,
      ...("expire_seconds" in more && { expire_seconds: more.expire_seconds }),
    };
  },
  "menu/create": (state, body) => {
    const menu = parse(Menu, body);
    for (const button of menu.button) {
      checkName(button.name, 16);
      if ("sub_button" in button) for (const { name } of button.sub_button) checkName(name, 60);
    }
    state.menu = menu;
    return {};
  },
};

function checkName(name: string, bytesMax: number): void {
  if (Buffer.byteLength(name) > bytesMax) throw new WechatError(40018, "invalid button name size");
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const { data, error } = schema.safeParse(body);
  if (error !== undefined) throw new WechatError(47001, `data format error: ${error.message}`);
  return data;
}
