import type { BotCommand, BotCommandScope, LanguageCode } from "grammy/types";
import type { Clock } from "../../core/clock.ts";
import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import { TELEGRAM, type TelegramApi, toOutsideError } from "./telegram-api.ts";

// https://core.telegram.org/bots/api#setmycommands and #botcommand
const COMMANDS_MAX = 100;
const DESCRIPTION_LENGTH_MAX = 256;

/** Shown to people whose language has no list of its own. */
const FALLBACK_LOCALE = "en";
const ATTEMPTS_MAX = 3;
const RETRY_MS = 5_000;

export interface MenuCommand {
  /** Without "/". */
  readonly name: string;
  readonly description: string;
}

/** Commands by locale, e.g. "en" or "pt-BR". */
export type LocalizedCommands = Readonly<Record<string, readonly MenuCommand[]>>;

/** What Telegram offers when a person types "/". A display only: it gives nobody a right. */
export interface CommandMenu {
  readonly people: LocalizedCommands;
  /** Shown instead of the above in the chats of `adminChats`, so it should hold both. */
  readonly admins: LocalizedCommands;
  /** Chat ids as in `ChatAddress.channel`. */
  readonly adminChats: readonly string[];
}

interface CommandList {
  readonly scope: BotCommandScope;
  readonly language: LanguageCode | null;
  readonly commands: BotCommand[];
}

/**
 * Brings Telegram's command lists up to date; writes only what differs. A list that cannot be
 * written is logged and left for the next start: the bot works without it.
 */
export async function publishCommandMenu(
  api: TelegramApi,
  menu: CommandMenu,
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const lists = commandLists(menu);
  for (const list of lists) {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const error = await publish(api, list, signal);
      if (error === null || signal.aborted) break;
      const mayRetry = error.retryable && attempt < ATTEMPTS_MAX;
      if (!mayRetry) {
        log.warn({ err: error, scope: list.scope.type }, "command menu not updated");
        break;
      }
      await clock.sleep(Math.max(error.retryAfterMs ?? 0, RETRY_MS), signal);
    }
  }
  if (!signal.aborted) log.debug({ lists: lists.length }, "command menu checked");
}

function commandLists({ people, admins, adminChats }: CommandMenu): CommandList[] {
  return [
    ...localized({ type: "default" }, people),
    ...adminChats.flatMap((id) => localized({ type: "chat", chat_id: Number(id) }, admins)),
  ];
}

function localized(scope: BotCommandScope, lists: LocalizedCommands): CommandList[] {
  const locales = Object.keys(lists);
  const fallback = lists[FALLBACK_LOCALE] ?? lists[locales[0] ?? ""];
  if (fallback === undefined) return [];
  // Telegram knows two letters only, so the first of "pt-BR" and "pt-PT" stands for both.
  const byLanguage = new Map<string, readonly MenuCommand[]>();
  for (const [locale, commands] of Object.entries(lists)) {
    const language = locale.slice(0, 2).toLowerCase();
    if (!byLanguage.has(language)) byLanguage.set(language, commands);
  }
  return [
    { scope, language: null, commands: toBotCommands(fallback) },
    ...Array.from(byLanguage, ([language, commands]) => ({
      scope,
      language: language as LanguageCode,
      commands: toBotCommands(commands),
    })),
  ];
}

function toBotCommands(commands: readonly MenuCommand[]): BotCommand[] {
  return commands.slice(0, COMMANDS_MAX).map(({ name, description }) => ({
    command: name,
    description: description.slice(0, DESCRIPTION_LENGTH_MAX).toWellFormed(),
  }));
}

async function publish(
  api: TelegramApi,
  { scope, language, commands }: CommandList,
  signal: AbortSignal,
): Promise<OutsideError | null> {
  const where = { scope, ...(language !== null && { language_code: language }) };
  try {
    const known = await api.call((raw, aborted) => raw.getMyCommands(where, aborted), { signal });
    if (isSame(known, commands)) return null;
    await api.call((raw, aborted) => raw.setMyCommands({ ...where, commands }, aborted), {
      signal,
    });
    return null;
  } catch (error) {
    const outside = toOutsideError(error);
    if (outside instanceof OutsideError) return outside;
    return new OutsideError(TELEGRAM, "rejected", { cause: error });
  }
}

function isSame(known: readonly BotCommand[], wanted: readonly BotCommand[]): boolean {
  return (
    known.length === wanted.length &&
    wanted.every(
      ({ command, description }, index) =>
        known[index]?.command === command && known[index]?.description === description,
    )
  );
}
