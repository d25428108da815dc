import type { LinkTexts } from "./link-texts.ts";

const list = (chats: readonly string[]) => chats.map((chat) => `- ${chat}`).join("\n");

export const enLink: LinkTexts = {
  code: ({ code, minutes, picture }) =>
    `🔗 Send this to me from your other chat within ${minutes} minutes:\n\n\`/link ${code}\`\n\n${
      picture === null ? "" : `Or scan [this QR code](${picture}) with WeChat.\n\n`
    }That chat then shares this account and its credit. Show the code to nobody: whoever uses it gets at your credit.`,
  confirmScan: (code) =>
    `🔗 You scanned a code that joins accounts. To share one account and its balance with the chat that showed it, write:\n\n\`/link ${code}\`\n\nIf it is not your own code, do nothing: whoever made it could spend your balance.`,
  linked: ({ chats, balance }) =>
    `✅ These chats are one account now:\n${list(chats)}\n\n**Balance:** ${balance}. Of two free trials the larger one counts. /unlink takes a chat off again.`,
  linkedNotice: (chat) =>
    `🔗 ${chat} has joined your account and shares its credit. If that was not you, tell the operator at once.`,
  unlinked: (chats) =>
    `✂️ This chat has an account of its own now, without credit. The credit stays with:\n${list(chats)}`,
  unlinkedNotice: (chat) =>
    `✂️ ${chat} has left your account. The credit and the conversations stay here.`,
};
