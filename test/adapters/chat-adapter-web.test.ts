import { WebWorld } from "../contract/adapters/web-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("the web chat", WebWorld.open);
