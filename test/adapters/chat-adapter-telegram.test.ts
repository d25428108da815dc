import { TelegramWorld } from "../contract/adapters/telegram-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("Telegram", TelegramWorld.open);
