import { looksLikeCode } from "../cards/card-code.ts";
import { type ParsedCommand, parseCommand } from "./parse-command.ts";
import { parsePlainCommand } from "./plain-commands.ts";

/**
 * The command a message is: written with a slash, a plain word where those count, or nothing but a
 * card code, which is a /redeem. `null` when it is a question.
 */
export function readCommand(
  text: string,
  { plainCommands }: { readonly plainCommands: boolean },
): ParsedCommand | null {
  const command = parseCommand(text) ?? (plainCommands ? parsePlainCommand(text) : null);
  if (command !== null) return command;
  return looksLikeCode(text) ? { name: "redeem", args: text } : null;
}
