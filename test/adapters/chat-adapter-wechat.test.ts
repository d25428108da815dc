import { WechatAccountWorld } from "../contract/adapters/wechat-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("an account in WeChat", WechatAccountWorld.open);
