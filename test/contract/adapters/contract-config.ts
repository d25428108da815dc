import { type Config, readConfig } from "../../../src/config.ts";
import { testModel } from "../../fakes/chat-settings.ts";

const ALOT = 100_000;

/** As for an operator who gives everybody plenty, so that no limit of ours gets in between. */
export function contractConfig(): Config {
  const config = readConfig({ HOST: "127.0.0.1" }, "/nonexistent");
  return {
    ...config,
    models: [{ ...testModel, contextTokens: 400_000, outputTokensMax: 60_000 }],
    chat: {
      ...config.chat,
      ...{ burstMs: 0, receipt: false, trialMessages: 1_000, openRepliesMax: 20 },
      ...{ runningRepliesMax: 1, questionsPerMinuteMax: ALOT, commandsPerMinuteMax: ALOT },
    },
  };
}
