import { DiscordContractWorld } from "../contract/adapters/discord-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("Discord", DiscordContractWorld.open);
