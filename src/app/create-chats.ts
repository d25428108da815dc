import { TelegramAdapter } from "../adapters/telegram/telegram-adapter.ts";
import { WebAdapter } from "../adapters/web/web-adapter.ts";
import type { Config } from "../config.ts";
import { maskCodes } from "../core/cards/mask-codes.ts";
import type { ChatAdapter } from "../core/chat/chat-adapter.ts";
import type { WebPanel } from "../core/chat/web-panel.ts";
import type { WebRoute } from "../core/chat/web-route.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { LOCALES, textsFor } from "../core/texts/locales.ts";
import { ADMIN_COMMANDS, PERSON_COMMANDS } from "../core/texts/texts.ts";
import type { SecretKey } from "../store/secret-key.ts";
import type { Stores } from "./create-stores.ts";

export interface Chats {
  readonly adapters: readonly ChatAdapter[];
  readonly routes: readonly WebRoute[];
  /** What opens the admin chat in the browser. */
  readonly adminKey: string;
}

/** The platforms that are configured. */
export function createChats(
  config: Config,
  parts: {
    readonly stores: Stores;
    readonly panel: WebPanel;
    readonly secretKey: SecretKey;
    readonly clock: Clock;
    readonly log: Logger;
  },
): Chats {
  const { stores, panel, secretKey, clock, log } = parts;
  const adminKey = secretKey.deriveWord("admin-chat");
  const web = new WebAdapter({
    store: stores.webMessages,
    panel,
    sessionKey: secretKey.derive("web-sessions"),
    adminKey,
    isSecure: config.http.publicUrl?.startsWith("https:") ?? false,
    isChatOpen: config.webChat,
    maskText: maskCodes,
    clock,
    log,
  });
  const telegram = createTelegram(config, parts);
  return {
    adapters: telegram === null ? [web] : [web, telegram],
    routes: [...web.routes, ...(telegram?.webhookRoute ? [telegram.webhookRoute] : [])],
    adminKey,
  };
}

function createTelegram(
  config: Config,
  {
    stores,
    secretKey,
    clock,
    log,
  }: { stores: Stores; secretKey: SecretKey; clock: Clock; log: Logger },
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
    commandMenu: {
      people: localized((texts) =>
        PERSON_COMMANDS.map((name) => ({ name, description: texts.commands[name] })),
      ),
      admins: localized((texts) => [
        ...ADMIN_COMMANDS.map((name) => ({ name, description: texts.adminCommands[name] })),
        ...PERSON_COMMANDS.map((name) => ({ name, description: texts.commands[name] })),
      ]),
      adminChats: config.adminChats
        .filter(({ platform }) => platform === "telegram")
        .map(({ id }) => id),
    },
  });
}

function localized<Value>(
  of: (texts: ReturnType<typeof textsFor>) => Value,
): Record<string, Value> {
  return Object.fromEntries(LOCALES.map((locale) => [locale, of(textsFor(locale))]));
}
