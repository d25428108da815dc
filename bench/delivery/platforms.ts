import { DISCORD_CAPABILITIES } from "../../src/adapters/discord/discord-capabilities.ts";
import { TELEGRAM_CAPABILITIES } from "../../src/adapters/telegram/telegram-capabilities.ts";
import { ILINK_CAPABILITIES } from "../../src/adapters/wechat/ilink/ilink-capabilities.ts";
import type { ChatCapabilities } from "../../src/core/chat/chat-adapter.ts";
import { DiscordModel, IlinkModel, type LimitModel, TelegramModel } from "./limit-models.ts";

export interface BenchPlatform {
  readonly name: string;
  /** What we take to be allowed. */
  readonly capabilities: ChatCapabilities;
  /** What the platform refuses. */
  readonly createModel: () => LimitModel;
  readonly privateChats: number;
  readonly groups: number;
}

export const PLATFORMS: readonly BenchPlatform[] = [
  {
    name: "Telegram",
    capabilities: TELEGRAM_CAPABILITIES,
    createModel: () => new TelegramModel(),
    privateChats: 100,
    groups: 20,
  },
  {
    name: "Discord",
    capabilities: DISCORD_CAPABILITIES,
    createModel: () => new DiscordModel(),
    privateChats: 100,
    groups: 20,
  },
  {
    name: "iLink",
    capabilities: ILINK_CAPABILITIES,
    createModel: () => new IlinkModel(),
    privateChats: 100,
    groups: 0,
  },
];
