import type { ChatSettings } from "../chat-settings.ts";
import type { Command } from "./command.ts";

export function startCommand(settings: ChatSettings): Command {
  return {
    name: "start",
    isForAdmins: false,
    async run({ texts, person }) {
      return {
        text: texts.welcome({ trialMessages: settings.trialMessages, isNew: person.isNew }),
      };
    },
  };
}
