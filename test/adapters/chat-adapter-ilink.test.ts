import { IlinkContractWorld } from "../contract/adapters/ilink-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("WeChat by iLink", IlinkContractWorld.open);
