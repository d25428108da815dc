import type { AdminTexts, BatchTerms } from "./admin-texts.ts";

const until = (date: string | null) => (date === null ? "长期有效" : `有效期至 ${date}`);

const terms = ({ perAccountMax, models }: BatchTerms) =>
  `${perAccountMax === null ? "" : ` · 每人限 ${perAccountMax} 张`}${
    models === null ? "" : ` · 仅限 ${models.join("、")}`
  }`;

export const zhAdmin: AdminTexts = {
  adminCommands: {
    grant: "给用户赠送余额或次数",
    stats: "人数、回答、收入、成本",
    cards: "制作和管理点卡",
    user: "查看一个用户",
    ban: "停用用户",
    unban: "恢复用户",
    undo: "收回一次赠送的剩余部分",
    upstreams: "上游密钥状态",
    price: "修改模型价格",
    broadcast: "群发消息",
    drain: "暂停接受新问题，准备更新",
  },
  adminHelp: (commands) => `**管理命令**\n${commands}`,
  granted: ({ user, amount, validUntil, entry }) =>
    `✅ ${user} 已获得 **${amount}**，${until(validUntil)}。账目 ${entry}；\`/undo ${entry}\` 可收回。`,
  grantReceived: ({ amount, reason, validUntil }) =>
    `🎁 您获得 **${amount}**（${until(validUntil)}）：${reason}`,
  batchCreated: ({ name, count, amount, days, redeemUntil, sha256, ...limits }) =>
    `✅ 批次 **${name}**：${count} 张卡，每张 ${amount}，激活后 ${days} 天有效${
      redeemUntil === null ? "" : `，须在 ${redeemUntil} 前激活`
    }${terms(limits)}。\n卡密在文件中，系统不保存：这是唯一的一份。SHA-256 \`${sha256.slice(0, 16)}…\``,
  batchFileCaption: "每行一个卡密。这是唯一的一份。",
  batchCutOff: (name) =>
    `⚠️ 制作批次 ${name} 时服务中断。如果没有收到卡密文件，这些卡密就无人知晓：请发送 \`/cards void ${name}\`，再换一个名字重新制作。`,
  batchLost: (name) =>
    `⚠️ 批次 **${name}** 的文件未能送达，该批次已作废，其中卡密均不可用。请换一个名称重新生成。`,
  batches: (lines) =>
    [
      "**点卡批次**",
      ...lines.map(
        (line) =>
          `- **${line.name}** · ${line.state} · ${line.amount}，${line.days} 天 · 未用 ${line.active}，已用 ${line.redeemed}，作废 ${line.void}${
            line.redeemUntil === null ? "" : ` · 激活截止 ${line.redeemUntil}`
          }${terms(line)}`,
      ),
    ].join("\n"),
  batchesEmpty: "还没有批次。制作：`/cards new 批次 数量 面额[m] 天数`",
  batchChanged: (name, state, cards) =>
    state === "void"
      ? `✅ 批次 **${name}** 已作废：${cards} 张未用的卡不能再激活。`
      : `✅ 批次 **${name}** 现在是 ${state}。`,
  user: (details) =>
    [
      `**账号 ${details.account}**${details.banReason === null ? "" : ` · 🚫 已停用：${details.banReason}`}`,
      `身份：${details.identities.join("、")}`,
      `注册于 ${details.since}`,
      `余额：${details.credit} · ${details.messages}（冻结：${details.held}）`,
      `30 天：${details.month.requests} 次回答，${details.month.cost}`,
      ...(details.entries.length === 0
        ? []
        : ["最近账目：", ...details.entries.map((entry) => `- ${entry}`)]),
    ].join("\n"),
  banned: (user, reason) => `🚫 ${user} 已停用：${reason}`,
  unbanned: (user) => `✅ ${user} 已恢复。`,
  undone: ({ entry, user, amount }) => `✅ 账目 ${entry} 已撤销：从 ${user} 收回 ${amount}。`,
  stats: (s) =>
    [
      `**统计，${s.period}**`,
      `人数：${s.people}（新增 ${s.newPeople}）`,
      `回答：${s.requests} 个问题中 ${s.answers} 个 · 停止 ${s.stopped} · 失败 ${s.failures} · 免费 ${s.freeAnswers}`,
      `Tokens：输入 ${s.inputTokens}，输出 ${s.outputTokens}`,
      `收入：${s.revenue} · ${s.messages}`,
      `上游成本：${s.upstreamCost} · 毛利：${s.margin}`,
      `收回：${s.refunds} · 激活点卡：${s.cardsRedeemed}`,
      `首字：${s.firstWord} · 完整回答：${s.answerTime}`,
    ].join("\n"),
  statsRows: (title, rows) =>
    rows.length === 0
      ? `**${title}**：暂无。`
      : [`**${title}**`, ...rows.map((row) => `- ${row}`)].join("\n"),
  upstreams: (rows) => ["**上游**", ...rows.map((row) => `- ${row}`)].join("\n"),
  upstreamChanged: (name, isEnabled) => (isEnabled ? `✅ ${name} 已启用。` : `⏸ ${name} 已停用。`),
  priceChanged: ({ model, before, after }) =>
    `✅ ${model}：${before} → ${after}。从下一个问题起生效。`,
  broadcastQueued: (count) => `📣 正在发送给 ${count} 人。`,
  drained: (isOn, running) =>
    isOn ? `⏸ 已停止接受新问题，还有 ${running} 个回答在进行。` : "▶️ 已恢复接受新问题。",
  drainNews: ({ actor, isOn, running }) =>
    isOn
      ? `⏸ ${actor} 已停止接受新问题（/drain on），还有 ${running} 个回答在进行。`
      : `▶️ ${actor} 已恢复接受新问题（/drain off）。`,
  keyDead: (name, reason) => `🔑 上游 ${name} 已停用：${reason}。/upstreams 查看全部。`,
  loginCode: (platform, page) => `📱 ${platform} 尚未连接：请打开 ${page}，用手机扫码登录。`,
  guessStorm: (count) => `🚨 十分钟内有 ${count} 次错误卡密，可能有人在猜卡。`,
  lowStock: ({ batch, left, count }) =>
    `📉 批次 **${batch}** 库存不足：${count} 张卡只剩 ${left} 张未用。补货：\`/cards new\``,
  incidentBegan: ({ failed, ended, minutes }) =>
    `🚨 最近 ${minutes} 分钟内 ${ended} 次回答有 ${failed} 次失败。/upstreams 查看上游，/drain on 暂停接收新问题。`,
  incidentOver: (minutes) => `✅ 回答已恢复，历时 ${minutes} 分钟。`,
  linkStorm: (count) =>
    `🚨 十分钟内有 ${count} 次错误绑定码，可能有人在猜。在此期间不再查验任何绑定码。`,
};
