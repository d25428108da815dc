import type { Texts } from "./texts.ts";
import { zhAdmin } from "./zh-admin.ts";
import { zhErrors } from "./zh-errors.ts";
import { zhLink } from "./zh-link.ts";

const models = (names: readonly string[] | null) =>
  names === null ? "" : `，仅限 ${names.join("、")}`;
const until = (date: string | null) => (date === null ? "长期有效" : `有效期至 ${date}`);
const tokens = (input: number | null, output: number | null) =>
  input === null ? "" : ` · ${input} + ${output ?? 0} tokens`;
const answeredBy = (asked: string, answered: string | null) =>
  answered === null || answered === asked ? asked : `${asked}（实际由 ${answered} 回答）`;

export const zh: Texts = {
  ...zhErrors,
  ...zhAdmin,
  languageName: "中文",
  freeReasons: {
    slow: "回答较慢，免费",
    upstream_cut: "回答中断，免费",
    failed: "回答失败，免费",
    nothing_delivered: "没有内容，免费",
  },
  lotKinds: {
    trial: "免费试用",
    gift: "赠送",
    compensation: "补偿",
    plan: "套餐",
    card: "点卡",
    paid: "充值",
  },
  amount: (unit, text, currency) => (unit === "message" ? `${text} 次提问` : `${text} ${currency}`),
  commands: {
    start: "欢迎和免费试用",
    help: "使用说明",
    ask: "提问",
    redeem: "激活点卡",
    buy: "如何充值",
    balance: "余额和有效期",
    usage: "最近回答的费用；on 或 off 控制是否显示在回答下面",
    model: "查看或选择模型",
    role: "查看或选择角色",
    lang: "查看或选择语言",
    new: "开始新对话",
    history: "历史对话",
    resume: "继续以前的对话",
    stop: "停止正在生成的回答",
    retry: "重新回答上一个问题",
    link: "多个聊天共用一个账号；在另一个聊天发送显示的绑定码",
    unlink: "让此聊天退出账号",
  },
  buttons: { stop: "⏹ 停止", retry: "🔄 重新回答", new: "✨ 新对话" },
  placeholder: "💭 …",
  welcome: ({ trialMessages, isNew }) =>
    [
      isNew && trialMessages > 0
        ? `👋 欢迎！送您 **${trialMessages} 次免费提问**，直接输入问题即可。`
        : "👋 欢迎回来！直接输入问题即可。",
      "有点卡？发送 `/redeem 卡密`。其他功能：/help",
    ].join("\n\n"),
  help: ({ commands, models: names }) =>
    `直接输入问题，回答会实时显示。只为实际得到的内容付费。\n\n${commands}\n\n模型：${names}`,
  howToTopUp: "用点卡充值：`/redeem 卡密`",
  receipt: (line) =>
    `— ${answeredBy(line.modelAsked, line.modelAnswered)}${tokens(line.inputTokens, line.outputTokens)} · ${
      line.freeReason === null ? line.cost : zh.freeReasons[line.freeReason]
    } · 剩余：${line.left}`,
  slowAnswer: "⏱ 这次回答超过了我们承诺的时间，因此免费。",
  cutAnswer: "⚠️ 回答在此中断，只收取已得到部分的费用。",
  stoppedAnswer: "⏹ 已停止。",
  moneyMessageAnswer: "谢谢，但我们无法接收转账或红包。请用点卡充值：充值 卡密",
  stillWorking: "还在思考，回复任意内容即可获取答案。",
  plainWelcome: "您好！直接输入问题即可。发送“帮助”查看可用命令，“余额”查看剩余额度。",
  menuLabels: { newChat: "新对话", account: "我的", balance: "余额", buy: "购买", help: "帮助" },
  restWaits: (page) => `✂️ 未完：回复“继续”查看余下内容${page === null ? "" : `，或打开 ${page}`}`,
  balance: ({ credit, messages, lots, today }) =>
    [
      `**余额：** ${credit} · ${messages}`,
      ...lots.map(
        (lot) =>
          `- ${lot.amount} · ${zh.lotKinds[lot.kind]} · ${until(lot.validUntil)}${models(lot.models)}`,
      ),
      `今天：${today.requests} 次回答，${today.cost}`,
    ].join("\n"),
  usage: (lines) =>
    lines.length === 0
      ? "还没有回答。"
      : [
          "**最近的回答**",
          ...lines.map(
            (line) =>
              `- ${line.at} · ${answeredBy(line.modelAsked, line.modelAnswered)}${tokens(
                line.inputTokens,
                line.outputTokens,
              )} · ${line.freeReason === null ? line.cost : zh.freeReasons[line.freeReason]}`,
          ),
        ].join("\n"),
  receiptSwitched: (isOn) => (isOn ? "以后每个回答下面会显示费用。" : "以后回答下面不再显示费用。"),
  redeemed: ({ amount, validUntil, isExtended, code }) =>
    `✅ ${code}：已到账 **${amount}**，${until(validUntil)}。${
      isExtended ? "之前点卡的剩余次数也延长到同一日期。" : ""
    }`,
  redeemAlreadyYours: (code) => `ℹ️ ${code}：这张卡您已经激活过，没有重复到账。`,
  redeemTypo: (code) => `✏️ ${code}：卡密有错字，请核对后重新发送。`,
  redeemInvalid: (code) => `❌ ${code}：卡密无效或已被使用。`,
  redeemLimit: (code) => `❌ ${code}：这种卡您已达到每人使用上限。`,
  redeemLocked: (date) => `🔒 错误次数过多，请在 ${date} 之后再试。`,
  link: zhLink,
  redeemAskPrivate: "请私聊我发送卡密，以免被别人看到。",
  redeemDoneInGroup: "✅ 点卡已处理；请私聊我发送 /balance 查看结果。",
  redeemDeleteYourself: "⚠️ 我在这里没有删除消息的权限，请您自行删除带卡密的消息。",
  privateOnly: "这属于私人信息：请私聊我再发送。",
  sentInPrivate: "已私聊回复您。",
  models: (lines) =>
    [
      "**模型**（用 `/model 名称` 选择）",
      ...lines.map((line) => `- ${line.isChosen ? "✅ " : ""}\`${line.name}\` · ${line.price}`),
    ].join("\n"),
  modelPrice: ({ input, output, messages, currency }) =>
    `每百万 tokens 输入 ${input} / 输出 ${output} ${currency}${
      messages === null ? "" : `，或每次回答 ${messages} 次提问`
    }`,
  modelChosen: (name, price) => `✅ 模型：\`${name}\` · ${price}`,
  roles: (lines) =>
    [
      "**角色**（用 `/role 名称` 选择）",
      ...lines.map((line) => `- ${line.isChosen ? "✅ " : ""}\`${line.name}\` · ${line.title}`),
    ].join("\n"),
  roleChosen: (title) => `✅ 角色：${title}`,
  languages: (lines) =>
    [
      "**语言**（用 `/lang 代码` 选择）",
      ...lines.map((line) => `- ${line.isChosen ? "✅ " : ""}\`${line.code}\` · ${line.name}`),
    ].join("\n"),
  languageChosen: (name) => `✅ 语言：${name}`,
  newConversation: "✨ 新对话已开始，请提问。",
  history: (lines) =>
    [
      "**历史对话**（用 `/resume N` 继续）",
      ...lines.map(
        (line) => `${line.number}. ${line.title} · ${line.at}${line.isCurrent ? " · 当前" : ""}`,
      ),
    ].join("\n"),
  historyEmpty: "还没有对话，直接输入问题即可。",
  untitled: "（无标题）",
  resumed: (title) => `▶️ 继续对话“${title}”。`,
  stopped: (count) => (count === 1 ? "⏹ 已停止。" : `⏹ 已停止 ${count} 个回答。`),
  nothingToStop: "现在没有正在生成的回答。",
  stopping: "正在停止……",
  notYourButton: "这是别人的按钮。",
  editMerged: "这条消息已和其他消息合并为一个问题，请把修改的内容作为新消息发送。",
  editTooLate: "这条消息的回答已经开始。点“重新回答”可按修改后的问题回答。",
};
