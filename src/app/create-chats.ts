import { DiscordAdapter } from "../adapters/discord/discord-adapter.ts";
import { TelegramAdapter } from "../adapters/telegram/telegram-adapter.ts";
import { WebAdapter } from "../adapters/web/web-adapter.ts";
import type { Config } from "../config.ts";
import type { LinkPictures } from "../core/account/link-pictures.ts";
import { maskCodes } from "../core/cards/mask-codes.ts";
import type { AnswerPages } from "../core/chat/answer-pages.ts";
import type { ChatAdapter } from "../core/chat/chat-adapter.ts";
import type { WebPanel } from "../core/chat/web-panel.ts";
import type { WebRoute } from "../core/chat/web-route.ts";
import { ADMIN_COMMANDS, PERSON_COMMANDS, USAGE } from "../core/commands/command-names.ts";
import { localCommandName } from "../core/commands/plain-commands.ts";
import { LOCALES, textsFor } from "../core/texts/locales.ts";
import type { Texts } from "../core/texts/texts.ts";
import type { ChatParts } from "./chat-parts.ts";
import { createWechat, createWechatOa, createWecom } from "./create-wechat.ts";

export interface Chats {
  readonly adapters: readonly ChatAdapter[];
  readonly routes: readonly WebRoute[];
  /** `null` when no connected platform can scan. */
  readonly linkPictures: LinkPictures | null;
  /** What opens the admin chat in the browser. */
  readonly adminKey: string;
}

/** The platforms that are configured. */
export function createChats(
  config: Config,
  parts: ChatParts & { readonly panel: WebPanel; readonly answers: AnswerPages | null },
): Chats {
  const { stores, panel, answers, secretKey, clock, log } = parts;
  const adminKey = secretKey.deriveWord("admin-chat");
  const web = new WebAdapter({
    store: stores.webMessages,
    panel,
    answers,
    sessionKey: secretKey.derive("web-sessions"),
    adminKey,
    isSecure: config.http.publicUrl?.startsWith("https:") ?? false,
    isChatOpen: config.webChat,
    maskText: maskCodes,
    clock,
    log,
  });
  const telegram = createTelegram(config, parts);
  const discord = createDiscord(config, parts);
  const more = [createWechat, createWechatOa, createWecom]
    .map((create) => create(config, parts))
    .filter((chat) => chat !== null);
  return {
    adapters: [web, telegram, discord, ...more.map(({ adapter }) => adapter)].filter(
      (adapter) => adapter !== null,
    ),
    routes: [
      ...web.routes,
      ...(telegram?.webhookRoute ? [telegram.webhookRoute] : []),
      ...more.flatMap(({ routes }) => routes),
    ],
    linkPictures: more.find(({ linkPictures }) => linkPictures !== null)?.linkPictures ?? null,
    adminKey,
  };
}

function createTelegram(
  config: Config,
  { stores, secretKey, clock, log }: ChatParts,
): TelegramAdapter | null {
  if (config.telegram === null) return null;
  const { botToken, apiRoot, mode } = config.telegram;
  const { publicUrl } = config.http;
  return new TelegramAdapter({
    token: botToken,
    apiRoot,
    mode,
    webhook:
      publicUrl === null
        ? null
        : {
            url: `${publicUrl}/webhooks/telegram`,
            secretToken: secretKey.deriveWord("telegram-webhook"),
          },
    inbox: stores.inbox,
    clock,
    log,
    commandMenu: commandMenu(config, "telegram"),
  });
}

function createDiscord(config: Config, { stores, clock, log }: ChatParts): DiscordAdapter | null {
  if (config.discord === null) return null;
  const { botToken, apiUrl, guildId, shards } = config.discord;
  return new DiscordAdapter({
    token: botToken,
    apiUrl,
    guildId,
    shards,
    inbox: stores.inbox,
    clock,
    log,
    commandMenu: commandMenu(config, "discord"),
  });
}

/** What a platform offers while people type; the same list everywhere. */
function commandMenu(config: Config, platform: string) {
  const forPeople = (texts: Texts, locale: string) =>
    PERSON_COMMANDS.map((name) => ({
      name,
      localName: localCommandName(name, locale),
      description: texts.commands[name],
      usage: USAGE[name],
    }));
  const forAdmins = (texts: Texts) =>
    ADMIN_COMMANDS.map((name) => ({
      name,
      localName: null,
      description: texts.adminCommands[name],
      usage: USAGE[name],
    }));
  return {
    people: localized(forPeople),
    admins: localized((texts, locale) => [...forAdmins(texts), ...forPeople(texts, locale)]),
    adminChats: config.adminChats.filter((chat) => chat.platform === platform).map(({ id }) => id),
  };
}

function localized<Value>(of: (texts: Texts, locale: string) => Value): Record<string, Value> {
  return Object.fromEntries(LOCALES.map((locale) => [locale, of(textsFor(locale), locale)]));
}
