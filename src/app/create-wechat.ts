import { join } from "node:path";
import type { BotSource } from "../adapters/wechat/bot-source.ts";
import { IlinkBotSource } from "../adapters/wechat/ilink/ilink-bot-source.ts";
import { ILINK_PAGE } from "../adapters/wechat/ilink/ilink-page.ts";
import { MockBotSource } from "../adapters/wechat/mock-bot-source.ts";
import { ServiceBotSource } from "../adapters/wechat/service-bot-source.ts";
import { UnofficialBotSource } from "../adapters/wechat/unofficial-bot-source.ts";
import { WechatAdapter } from "../adapters/wechat/wechat-adapter.ts";
import { WechatOaAdapter } from "../adapters/wechat-oa/wechat-oa-adapter.ts";
import { WechatOaLinkPictures } from "../adapters/wechat-oa/wechat-oa-link-pictures.ts";
import { WecomAdapter } from "../adapters/wecom/wecom-adapter.ts";
import type { Config } from "../config.ts";
import type { LinkPictures } from "../core/account/link-pictures.ts";
import type { ChatAdapter } from "../core/chat/chat-adapter.ts";
import type { WebRoute } from "../core/chat/web-route.ts";
import { textsFor } from "../core/texts/locales.ts";
import { SecretBox } from "../core/upstream/secret-box.ts";
import { PgAdapterMemory } from "../store/pg-adapter-memory.ts";
import type { ChatParts } from "./chat-parts.ts";

export interface ChatWithRoutes {
  readonly adapter: ChatAdapter;
  readonly routes: readonly WebRoute[];
  /** `null` where nothing can be scanned. */
  readonly linkPictures: LinkPictures | null;
}

/** Bots in personal WeChat accounts; `null` when there are none. */
export function createWechat(config: Config, parts: ChatParts): ChatWithRoutes | null {
  if (config.wechat === null) return null;
  const { friends } = config.wechat;
  const { source, routes } = createSource(config.wechat.puppet, config, parts);
  const adapter = new WechatAdapter({
    source,
    friends: friends.accept === "word" ? { word: friends.word } : friends.accept,
    acceptsRoomInvitations: friends.accept !== "none",
    loginPage: ILINK_PAGE,
    texts: {
      transferAnswer: (locale) => textsFor(locale ?? config.chat.defaultLocale).moneyMessageAnswer,
    },
    inbox: parts.stores.inbox,
    clock: parts.clock,
    log: parts.log,
  });
  return { adapter, routes, linkPictures: null };
}

function createSource(
  puppet: NonNullable<Config["wechat"]>["puppet"],
  config: Config,
  { stores, secretKey, clock, log }: ChatParts,
): { readonly source: BotSource; readonly routes: readonly WebRoute[] } {
  switch (puppet.kind) {
    case "ilink": {
      const source = new IlinkBotSource({
        baseUrl: puppet.baseUrl,
        memory: new PgAdapterMemory(stores.pool, "wechat", "main"),
        box: new SecretBox(secretKey.secret),
        isSecure: config.http.publicUrl?.startsWith("https:") ?? false,
        clock,
        log,
      });
      return { source, routes: source.routes };
    }
    case "service": {
      const { token, endpoint, tls } = puppet;
      const options = { caCert: tls?.caCert ?? "", serverName: tls?.serverName ?? null };
      const source = new ServiceBotSource({
        token,
        endpoint,
        tls: tls === null ? "none" : options,
      });
      return { source, routes: [] };
    }
    case "mock":
      return { source: new MockBotSource(), routes: [] };
    case "unofficial": {
      const sessionFile = join(config.dataDir, "wechat-session");
      const source = new UnofficialBotSource({
        puppet: puppet.name,
        sessionFile,
        acceptsAccountRisk: true,
        log,
      });
      return { source, routes: [] };
    }
  }
}

/** The service account (服务号); `null` when there is none. */
export function createWechatOa(config: Config, parts: ChatParts): ChatWithRoutes | null {
  if (config.wechatOa === null) return null;
  const { aesKey, replies, ...account } = config.wechatOa;
  // WeChat tells no locale of the account's followers.
  const texts = textsFor("zh");
  const adapter = new WechatOaAdapter({
    ...account,
    encodingAesKey: aesKey,
    hasCustomerService: replies === "service",
    stillWorkingText: texts.stillWorking,
    menu: texts.menuLabels,
    inbox: parts.stores.inbox,
    memory: new PgAdapterMemory(parts.stores.pool, "wechat-oa", account.appId),
    box: new SecretBox(parts.secretKey.secret),
    clock: parts.clock,
    log: parts.log,
  });
  const linkPictures = new WechatOaLinkPictures({
    createSceneQr: (scene, seconds) => adapter.createSceneQr(scene, seconds),
    clock: parts.clock,
    log: parts.log,
  });
  return { adapter, routes: adapter.routes, linkPictures };
}

/** The WeCom smart bot; `null` when there is none. */
export function createWecom(config: Config, parts: ChatParts): ChatWithRoutes | null {
  if (config.wecom === null) return null;
  const { botId, botSecret: secret, webSocketUrl } = config.wecom;
  const adapter = new WecomAdapter({
    ...{ botId, secret, webSocketUrl },
    welcomeText: textsFor("zh").plainWelcome,
    inbox: parts.stores.inbox,
    memory: new PgAdapterMemory(parts.stores.pool, "wecom", botId),
    clock: parts.clock,
    log: parts.log,
  });
  return { adapter, routes: [], linkPictures: null };
}
