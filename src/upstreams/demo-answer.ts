const QUESTION_LENGTH_MAX = 80;
const CHINESE_PATTERN = /\p{Script=Han}/u;

/** What the demo says to a question, in Chinese when the question has Chinese in it, else in English. */
export function writeDemoAnswer(question: string): string {
  const heard = shorten(question);
  return CHINESE_PATTERN.test(question) ? inChinese(heard) : inEnglish(heard);
}

function inEnglish(heard: string): string {
  return `**Demo answer** – no language model is connected yet, so this text is always the same.

I received your question:

> ${heard}

**What this is.** Dianka sells LLM access inside chat apps. People write to a bot on Telegram, Discord or WeChat (or on the web page of this program) and pay each answer from their own credit. Credit comes from a free trial, recharge cards, payments and plans. What you see now is the real thing at work: your question was queued, a place was held on your credit, and this answer streams in word by word.

**How to get real answers.** Stop the program and start it again with a key of any OpenAI-compatible provider:

\`\`\`sh
OPENAI_API_KEY=sk-... OPENAI_MODEL=gpt-5-mini npm start
\`\`\`

- Another provider? Set \`OPENAI_BASE_URL\` as well.
- Several keys or models? Separate them with commas.
- Own prices, limits and proxies? Write them into \`dianka.config.json\`.

Until then, try \`/help\`, \`/balance\` and \`/redeem\`: all of that works without a key.`;
}

function inChinese(heard: string): string {
  return `**演示回答** —— 目前还没有接入任何大模型，所以这段文字是固定的。

已收到你的问题：

> ${heard}

**这是什么。** 点卡（Dianka）让你在聊天软件里出售大模型服务。用户在 Telegram、Discord、微信（或本程序的网页）里和机器人对话，每次回答从用户自己的额度里扣费；额度来自免费试用、充值卡、在线支付和套餐。你现在看到的就是真实流程：问题已经排队，额度已经预留，回答正在逐字显示。

**怎样得到真正的回答。** 停止程序，换上任意一家兼容 OpenAI 接口的服务商的密钥，再启动：

\`\`\`sh
OPENAI_API_KEY=sk-... OPENAI_MODEL=gpt-5-mini npm start
\`\`\`

- 其他服务商：同时设置 \`OPENAI_BASE_URL\`。
- 多个密钥或模型：用逗号分隔。
- 自定义价格、限速和代理：写进 \`dianka.config.json\`。

在此之前可以先试试 \`/help\`、\`/balance\` 和 \`/redeem\`，它们不需要密钥也能用。`;
}

/** One line, short, cut between characters. */
function shorten(question: string): string {
  const line = question.replace(/\s+/g, " ").trim();
  const characters = Array.from(line);
  if (characters.length <= QUESTION_LENGTH_MAX) return line === "" ? "…" : line;
  return `${characters.slice(0, QUESTION_LENGTH_MAX).join("").trimEnd()}…`;
}
