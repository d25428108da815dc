import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { DiscordApi } from "./discord-api.ts";
import { toOutsideError } from "./discord-errors.ts";

// https://docs.discord.com/developers/interactions/application-commands
const COMMANDS_MAX = 100;
const DESCRIPTION_LENGTH_MAX = 100;
const INPUT_LENGTH_MAX = 6000;
const SLASH_COMMAND = 1;
const STRING_OPTION = 3;
const INSTALLED_IN_GUILD = 0;
const IN_GUILD = 0;
const IN_DIRECT_CHAT = 1;
const ADMINISTRATORS_ONLY = "0";

const ATTEMPTS_MAX = 3;
const RETRY_MS = 5_000;
const FALLBACK_LOCALE = "en";

/** Languages of ours that Discord names otherwise, https://docs.discord.com/developers/reference#locales */
const DISCORD_LOCALES: Readonly<Record<string, readonly string[]>> = {
  zh: ["zh-CN", "zh-TW"],
  ja: ["ja"],
  "pt-BR": ["pt-BR"],
  hi: ["hi"],
};

/** What a person reads above the field in which they type. */
const INPUT_NAMES: Readonly<Record<string, string>> = {
  ask: "text",
  redeem: "code",
  resume: "number",
};

/** Their answers are nobody else's business. */
const PRIVATE_COMMANDS: ReadonlySet<string> = new Set([
  ...["redeem", "balance", "usage", "history", "buy", "link", "unlink", "invite", "cap"],
  ...["key", "refund", "export", "forget"],
]);

/** Their answers come later, from a worker. */
const ANSWERED_LATER: ReadonlySet<string> = new Set(["ask", "retry"]);

export interface MenuCommand {
  /** Without "/". */
  readonly name: string;
  /** What Discord shows in this language in place of it; `null` for the name itself. */
  readonly localName: string | null;
  readonly description: string;
  /** How it is written, e.g. "/redeem CODE [CODE …]". Decides whether it takes an argument. */
  readonly usage: string;
}

/** Commands by locale, e.g. "en" or "pt-BR". */
export type LocalizedCommands = Readonly<Record<string, readonly MenuCommand[]>>;

/** What Discord offers when a person types "/". A display only: it gives nobody a right. */
export interface CommandMenu {
  readonly people: LocalizedCommands;
  /** Offered in the operator's guild only; those of `people` in it are left out. */
  readonly admins: LocalizedCommands;
  /** Channel ids as in `ChatAddress.channel`. */
  readonly adminChats: readonly string[];
}

/** Whether only the person may see the answer; Discord wants to know before we do. */
export function isAnsweredInPrivate(name: string, channel: string, menu: CommandMenu): boolean {
  if (PRIVATE_COMMANDS.has(name)) return true;
  return isAdminCommand(name, menu) && !menu.adminChats.includes(channel);
}

/** Whether the answer is there when the command has been handled. */
export function isAnsweredAtOnce(name: string): boolean {
  return !ANSWERED_LATER.has(name);
}

/**
 * Registers our commands in place of those registered before. What cannot be written is logged
 * and left for the next start: typed commands work without it.
 */
export async function publishCommands(
  api: DiscordApi,
  applicationId: string,
  guildId: string | null,
  menu: CommandMenu,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const root: `/${string}` = `/applications/${applicationId}`;
  const people = commandsOf(menu.people, {
    contexts: [IN_GUILD, IN_DIRECT_CHAT],
    integration_types: [INSTALLED_IN_GUILD],
  });
  const sets = [{ route: `${root}/commands` as const, commands: people }];
  if (guildId !== null) {
    const commands = commandsOf(menu.admins, { default_member_permissions: ADMINISTRATORS_ONLY });
    sets.push({
      route: `${root}/guilds/${guildId}/commands` as never,
      commands: commands.filter(({ name }) => isAdminCommand(name, menu)),
    });
  }
  for (const { route, commands } of sets) {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const error = await put(api, route, commands);
      if (error === null) break;
      if (!error.retryable || attempt >= ATTEMPTS_MAX) {
        log.warn({ err: error, isGuild: route.includes("/guilds/") }, "commands not registered");
        break;
      }
      await clock.sleep(Math.max(error.retryAfterMs ?? 0, RETRY_MS), signal);
    }
  }
}

interface CommandBody {
  readonly name: string;
}

function isAdminCommand(name: string, { people, admins }: CommandMenu): boolean {
  const has = (lists: LocalizedCommands): boolean =>
    Object.values(lists).some((list) => list.some((command) => command.name === name));
  return has(admins) && !has(people);
}

function commandsOf(lists: LocalizedCommands, common: object): CommandBody[] {
  const fallback = lists[FALLBACK_LOCALE] ?? Object.values(lists)[0] ?? [];
  return fallback.slice(0, COMMANDS_MAX).map(({ name, description, usage }) => ({
    ...common,
    type: SLASH_COMMAND,
    name,
    name_localizations: localizations(lists, name, ({ localName }) => localName),
    description: shortened(description),
    description_localizations: localizations(lists, name, (command) =>
      shortened(command.description),
    ),
    options: inputOf(name, usage),
  }));
}

function localizations(
  lists: LocalizedCommands,
  name: string,
  textOf: (command: MenuCommand) => string | null,
): Record<string, string> {
  const entries = Object.entries(lists).flatMap(([locale, list]) => {
    const command = list.find((candidate) => candidate.name === name);
    const text = command === undefined ? null : textOf(command);
    if (text === null) return [];
    return (DISCORD_LOCALES[locale] ?? []).map((key) => [key, text] as const);
  });
  return Object.fromEntries(entries);
}

/** "/redeem CODE [CODE …]" takes an argument and needs it; "/usage [on|off]" may have one. */
function inputOf(name: string, usage: string): object[] {
  const argument = usage.replace(/^\/\S+\s*/, "");
  if (argument === "") return [];
  return [
    {
      type: STRING_OPTION,
      name: INPUT_NAMES[name] ?? "input",
      description: shortened(argument),
      required: !argument.startsWith("["),
      max_length: INPUT_LENGTH_MAX,
    },
  ];
}

function shortened(description: string): string {
  return description.slice(0, DESCRIPTION_LENGTH_MAX).toWellFormed();
}

async function put(
  api: DiscordApi,
  route: `/${string}`,
  body: readonly CommandBody[],
): Promise<OutsideError | null> {
  try {
    await api.call({ method: "PUT", route, body });
    return null;
  } catch (error) {
    const outside = toOutsideError(error);
    if (outside instanceof OutsideError) return outside;
    throw error;
  }
}
