import { WecomContractWorld } from "../contract/adapters/wecom-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("WeCom", WecomContractWorld.open);
