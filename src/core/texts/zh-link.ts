import type { LinkTexts } from "./link-texts.ts";

const list = (chats: readonly string[]) => chats.map((chat) => `- ${chat}`).join("\n");

export const zhLink: LinkTexts = {
  code: ({ code, minutes, picture }) =>
    `🔗 请在 ${minutes} 分钟内，从您的另一个聊天把这一行发给我：\n\n\`/link ${code}\`\n\n${
      picture === null ? "" : `或用微信扫描[这个二维码](${picture})。\n\n`
    }之后那个聊天与这里共用同一账号和余额。请勿把绑定码给别人看：谁使用它，谁就能使用您的余额。`,
  confirmScan: (code) =>
    `🔗 您扫描了一个绑定码。要让这里与出示此码的聊天共用同一账号和余额，请回复：\n\n\`绑定 ${code}\`\n\n如果此码不是您本人的，请勿回复：对方将能使用您的余额。`,
  linked: ({ chats, balance }) =>
    `✅ 这些聊天现在共用一个账号：\n${list(chats)}\n\n**余额：** ${balance}。两份免费试用只保留剩余较多的一份。发送 /unlink 可解除绑定。`,
  linkedNotice: (chat) =>
    `🔗 ${chat} 已加入您的账号并共用余额。如果不是您本人操作，请立即联系管理员。`,
  unlinked: (chats) => `✂️ 此聊天现在有自己的账号，没有余额。余额保留在：\n${list(chats)}`,
  unlinkedNotice: (chat) => `✂️ ${chat} 已退出您的账号。余额和对话都保留在这里。`,
};
