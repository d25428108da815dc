import type { ModelCatalog } from "../upstream/model-catalog.ts";
import type { Command } from "./command.ts";
import { ADMIN_COMMANDS, PERSON_COMMANDS, USAGE } from "./command-names.ts";

export function helpCommand(models: ModelCatalog): Command {
  return {
    name: "help",
    isForAdmins: false,
    async run({ texts, isAdmin }) {
      const line = (usage: string, what: string) => `\`${usage}\` – ${what}`;
      const help = texts.help({
        commands: PERSON_COMMANDS.map((name) => line(USAGE[name], texts.commands[name])).join("\n"),
        models: models
          .list()
          .map((model) => `\`${model.name}\``)
          .join(", "),
      });
      if (!isAdmin) return { text: help };
      const adminLines = ADMIN_COMMANDS.map((name) => line(USAGE[name], texts.adminCommands[name]));
      return { text: `${help}\n\n${texts.adminHelp(adminLines.join("\n"))}` };
    },
  };
}
