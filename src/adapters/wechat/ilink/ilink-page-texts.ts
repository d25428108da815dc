import type { LoginState } from "./ilink-login.ts";

/** What the page says, in one language. */
export interface PageTexts {
  readonly lang: string;
  readonly title: string;
  readonly intro: string;
  readonly qrLabel: string;
  readonly again: string;
  readonly digitsLabel: string;
  readonly digitsWrong: string;
  readonly digitsSend: string;
  readonly offline: string;
  readonly note: string;
  readonly states: Readonly<Record<PageState, readonly [title: string, text: string]>>;
}

/** How a login stands, or why there is none. */
export type PageState = LoginState | "busy";

const EN: PageTexts = {
  lang: "en",
  title: "Chat in WeChat",
  intro: "Get the assistant as a contact in your WeChat.",
  qrLabel: "QR code to scan with WeChat",
  again: "New code",
  digitsLabel: "Number on your phone",
  digitsWrong: "That is not the number on your phone.",
  digitsSend: "Confirm",
  offline: "No connection. Trying again…",
  note: "Needs WeChat 8.0.69 or later. On one phone: take a screenshot of the code and choose it in WeChat's scanner.",
  states: {
    preparing: ["One moment", "A code is being made."],
    waiting: ["Scan this with WeChat", "Open WeChat, tap + and Scan, then confirm on your phone."],
    scanned: ["Scanned", "Now confirm on your phone."],
    digits_needed: ["Enter the number", "Your phone shows a number. Enter it here."],
    connected: ["Connected", "Open WeChat and write to the new contact."],
    already_connected: ["Connected already", "Open WeChat and write to the contact you have."],
    expired: ["The code is over", "Ask for a new one when you are ready to scan."],
    blocked: ["Too many wrong numbers", "Ask for a new code and try again."],
    full: ["No room", "We cannot take more people at the moment. Please come back later."],
    unreachable: ["WeChat does not answer", "This is tried again by itself."],
    busy: ["Many people are signing in", "Please try again in a few minutes."],
  },
};

const ZH: PageTexts = {
  lang: "zh",
  title: "在微信里聊天",
  intro: "把 AI 助手添加到您的微信。",
  qrLabel: "用微信扫描的二维码",
  again: "换一个二维码",
  digitsLabel: "手机上显示的数字",
  digitsWrong: "与手机上显示的数字不一致。",
  digitsSend: "确定",
  offline: "网络已断开，正在重试…",
  note: "需要微信 8.0.69 或更高版本。只有一部手机时：先截屏，再在微信“扫一扫”里从相册选取。",
  states: {
    preparing: ["请稍候", "正在生成二维码。"],
    waiting: ["请用微信扫一扫", "打开微信，点“+”里的“扫一扫”，然后在手机上确认。"],
    scanned: ["已扫描", "请在手机上确认。"],
    digits_needed: ["请输入数字", "微信在手机上显示了一个数字，请在这里输入。"],
    connected: ["已连接", "打开微信，给新联系人发消息即可。"],
    already_connected: ["此前已连接", "打开微信，直接给已有的联系人发消息。"],
    expired: ["二维码已失效", "准备好后请换一个二维码。"],
    blocked: ["数字错误次数过多", "请换一个二维码再试。"],
    full: ["名额已满", "暂时无法接入更多用户，请稍后再来。"],
    unreachable: ["微信没有响应", "正在自动重试。"],
    busy: ["登录的人较多", "请过几分钟再试。"],
  },
};

/** Chinese for whoever prefers it to English, else English. */
export function textsFor(request: Request): PageTexts {
  const wanted = (request.headers.get("accept-language") ?? "").toLowerCase().split(",");
  const known = wanted
    .map((tag) => tag.trim().slice(0, 2))
    .find((tag) => tag === "zh" || tag === "en");
  return known === "zh" ? ZH : EN;
}
