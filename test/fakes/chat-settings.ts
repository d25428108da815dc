import { ConfigFile } from "../../src/config/config-file.ts";
import type { ChatSettings } from "../../src/core/chat-settings.ts";
import type { Model } from "../../src/core/upstream/model-catalog.ts";

/** What a config file that says nothing means. */
export const defaultChatSettings: ChatSettings = {
  ...ConfigFile.parse({}).chat,
  trialMessages: 10,
  slowAnswerFreeAfterMs: null,
};

const price = { input: 1_000_000n, cachedInput: 500_000n, output: 2_000_000n, messageCost: 1n };

/** A model that also looks at pictures. */
export const testModel: Model = {
  name: "m",
  price,
  cost: price,
  contextTokens: 100_000,
  outputTokensMax: 4_096,
  images: true,
};
