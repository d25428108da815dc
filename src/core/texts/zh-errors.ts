import type { Texts } from "./texts.ts";

export const zhErrors: Pick<Texts, "errors" | "failures"> = {
  errors: {
    account_banned: ({ reason }) => `🚫 您的账号已被停用：${reason}`,
    insufficient_credit: ({ needed, available }) =>
      `💳 余额不足：这个问题需要 ${needed}，您还有 ${available}。用点卡充值：\`/redeem 卡密\``,
    rate_limited: ({ seconds }) => `🐢 提问太快了，请 ${seconds} 秒后再试。`,
    message_too_long: ({ length, lengthMax }) =>
      `✂️ 您的消息有 ${length} 个字符，最多 ${lengthMax} 个。请缩短或分几次发送。`,
    message_empty: () => "请用文字写下您的问题。",
    image_not_supported: ({ model }) => `🖼 模型 ${model} 不能看图片，请用 /model 换一个。`,
    attachment_not_supported: ({ name }) => `📎 无法读取“${name}”。请发送文字、文本文件或图片。`,
    attachment_too_large: ({ megabytes }) => `📎 文件太大，最多 ${megabytes} MB。`,
    queue_full: ({ count }) => `⏳ 您还有 ${count} 个问题在等待回答。请等它们完成，或发送 /stop。`,
    draining: () => "🔧 系统正在更新，几分钟内暂不接受新问题，请稍后再试。",
    unknown_command: ({ command }) => `没有 ${command} 这个命令。发送 /help 查看全部命令。`,
    usage: ({ usage }) => `请这样写：\`${usage}\``,
    unknown_user: ({ user }) => `找不到用户“${user}”。请用 平台:编号、账号编号或唯一的 @用户名。`,
    unknown_model: ({ name }) => `没有模型“${name}”。发送 /model 查看全部模型。`,
    unknown_role: ({ name }) => `没有角色“${name}”。发送 /role 查看全部角色。`,
    unknown_locale: ({ name }) => `没有语言“${name}”。发送 /lang 查看全部语言。`,
    unknown_conversation: ({ number }) =>
      `没有编号为 ${number} 的对话。发送 /history 查看全部对话。`,
    unknown_batch: ({ name }) => `没有批次“${name}”。发送 \`/cards list\` 查看全部批次。`,
    unknown_entry: ({ entry }) => `没有账目 ${entry}。发送 \`/user 用户\` 查看账目。`,
    unknown_upstream: ({ name }) => `没有上游“${name}”。发送 /upstreams 查看全部上游。`,
    nothing_to_retry: () => "还没有可以重新回答的问题。",
    batch_exists: ({ name }) => `批次“${name}”已存在。批次名只能使用一次，请换一个。`,
    batch_state: ({ name, state }) => `批次“${name}”的状态是 ${state}，不能这样操作。`,
    amount_invalid: ({ amount }) =>
      `“${amount}”不是有效数额。余额写 \`5\` 或 \`0.50\`，次数写 \`100m\`；必须大于 0，最多 6 位小数。`,
    days_invalid: ({ days }) => `“${days}”不是 1 到 3650 之间的天数。`,
    count_invalid: ({ count, countMax }) => `“${count}”不是 1 到 ${countMax} 之间的数量。`,
    date_invalid: ({ date }) => `“${date}”不是将来的日期，请写成 YYYY-MM-DD。`,
    name_invalid: ({ name }) => `“${name}”不能作为名称：请用 1 到 40 个字母、数字、“-”、“_”或“.”。`,
    already_undone: ({ entry }) => `账目 ${entry} 已经撤销过，没有任何变化。`,
    cannot_undo: ({ entry }) => `账目 ${entry} 不能撤销：只能收回赠送或点卡的剩余部分。`,
    model_not_available: () => "这个模型暂时不可用，请用 /model 换一个。",
    try_later: () => "我们这边出了点问题，没有扣费，请稍后再试。",
  },
  failures: {
    upstream_unavailable: "😔 暂时无法得到回答，没有扣费。请稍后点“重新回答”。",
    upstream_cut: "⚠️ 回答中断，没有扣费。请点“重新回答”。",
    upstream_rejected: "🚫 模型拒绝了这个问题，没有扣费。请换一种问法。",
    filtered: "🚫 回答被模型的内容过滤拦截，没有扣费。",
    empty_answer: "😔 模型没有给出内容，没有扣费。请点“重新回答”。",
    length_reached: "✂️ 回答已达最大长度。发送“继续”可接着回答。",
    insufficient_credit: "💳 轮到这个问题时余额已用完。用点卡充值：`/redeem 卡密`",
    model_not_available: "😔 这个模型暂时不可用，没有扣费。请用 /model 换一个。",
    waited_too_long: "😔 您的问题等待太久，没有扣费，请重新提问。",
    internal: "😔 我们这边出了点问题，没有扣费。请点“重新回答”。",
  },
};
