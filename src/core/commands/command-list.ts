import type { ChatConnection } from "../chat/chat-connections.ts";
import { UserError } from "../errors.ts";
import type { Answer, Command, CommandContext } from "./command.ts";
import type { ParsedCommand } from "./parse-command.ts";

/** A command that also needs the connection it came over, because it leads to an answer. */
export interface ConnectedCommand extends Omit<Command, "run"> {
  run(context: CommandContext, args: string, connection: ChatConnection): Promise<Answer | null>;
}

/**
 * Every command there is. For whoever is no admin in an admin chat, admin commands do not exist:
 * they are answered like any unknown word.
 */
export class CommandList {
  readonly #commands: ReadonlyMap<string, ConnectedCommand>;

  constructor(commands: readonly ConnectedCommand[]) {
    this.#commands = new Map(commands.map((command) => [command.name, command]));
  }

  async run(
    context: CommandContext,
    { name, args }: ParsedCommand,
    connection: ChatConnection,
  ): Promise<Answer | null> {
    const command = this.#commands.get(name);
    if (command === undefined || (command.isForAdmins && !context.isAdmin)) {
      throw new UserError("unknown_command", { command: `/${name.slice(0, 32)}` });
    }
    return await command.run(context, args, connection);
  }
}
