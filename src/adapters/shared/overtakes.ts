import { readCommand } from "../../core/commands/read-command.ts";

/** What an event need not wait for in its lane; it waits for the rest of what came before it. */
export type Overtakes = "nothing" | "questions" | "everything";

/** A question overtakes nothing, a command only questions, and /stop is for what runs already. */
export function overtakesOf(
  text: string,
  capabilities: { readonly plainCommands: boolean },
): Overtakes {
  const command = readCommand(text, capabilities);
  if (command === null || command.name === "ask") return "nothing";
  return command.name === "stop" ? "everything" : "questions";
}
