import { WechatOaWorld } from "../contract/adapters/wechat-oa-world.ts";
import { describeChatAdapter } from "../contract/chat-adapter.contract.ts";

describeChatAdapter("a WeChat service account", () => WechatOaWorld.open(true));
describeChatAdapter("a WeChat account that can only answer", () => WechatOaWorld.open(false));
