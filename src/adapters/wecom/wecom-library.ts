/** Tencent's client for smart bots as a whole. */
export type WecomLibrary = typeof import("@wecom/aibot-node-sdk");

/** Loaded when it is first needed: a program without WeCom does not pay its memory. */
export function loadWecomLibrary(): Promise<WecomLibrary> {
  return import("@wecom/aibot-node-sdk");
}
