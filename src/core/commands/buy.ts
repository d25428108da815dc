import type { ChatSettings } from "../chat-settings.ts";
import type { Command } from "./command.ts";

/** How to get credit: recharge cards, and where the operator says they are sold. */
export function buyCommand(settings: ChatSettings): Command {
  return {
    name: "buy",
    isForAdmins: false,
    async run({ texts, locale }) {
      const shop = settings.topUp[locale] ?? settings.topUp.en ?? "";
      return { text: [shop, texts.howToTopUp].filter((part) => part !== "").join("\n\n") };
    },
  };
}
