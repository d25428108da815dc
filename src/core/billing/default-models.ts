/** A well-known model with the public price of its maker. */
export interface DefaultModel {
  readonly name: string;
  /** US dollars per million tokens, as decimal strings. */
  readonly input: string;
  readonly cachedInput: string;
  readonly output: string;
  readonly contextTokens: number;
  readonly outputTokensMax: number;
  /** It can look at pictures. */
  readonly images: boolean;
}

/** How long an answer in a chat may get; a model that thinks first needs room for its thoughts. */
const PLAIN = 4_096;
const THINKING = 8_192;

// Public list prices of November 2026. Makers change them without notice, so operators override
// any of them in the configuration or with /price. Where a maker asks more for long prompts, the
// context ends where that begins, so that the price holds; where the price depends on the hour or
// ends soon, the dearer one stands here.
// https://developers.openai.com/api/docs/pricing · https://platform.claude.com/docs/en/about-claude/pricing
// https://ai.google.dev/gemini-api/docs/pricing · https://api-docs.deepseek.com/quick_start/pricing
// https://docs.x.ai/developers/pricing · https://www.alibabacloud.com/help/en/model-studio/models
// https://docs.z.ai/guides/overview/pricing · https://platform.kimi.ai/docs/pricing · https://groq.com/pricing
const ROWS: readonly (readonly [
  name: string,
  input: string,
  cachedInput: string,
  output: string,
  contextTokens: number,
  outputTokensMax: number,
  images: boolean,
])[] = [
  ["gpt-6-astra", "10", "1", "50", 272_000, THINKING, true],
  ["gpt-6.1-sol", "2", "0.1", "10", 272_000, THINKING, true],
  ["gpt-6-sol", "2", "0.2", "10", 272_000, THINKING, true],
  ["gpt-6-luna", "0.1", "0.01", "0.5", 272_000, THINKING, true],
  ["gpt-5.6", "2", "0.2", "10", 272_000, THINKING, true],
  ["gpt-5.5", "5", "0.5", "30", 272_000, THINKING, true],
  ["gpt-5.4", "2.5", "0.25", "15", 272_000, THINKING, true],
  ["gpt-5.4-mini", "0.75", "0.075", "4.5", 400_000, THINKING, true],
  ["gpt-5.4-nano", "0.2", "0.02", "1.25", 400_000, THINKING, true],
  ["gpt-5.2", "1.75", "0.175", "14", 400_000, THINKING, true],
  ["gpt-5.1", "1.25", "0.125", "10", 400_000, THINKING, true],
  ["gpt-5", "1.25", "0.125", "10", 400_000, THINKING, true],
  ["gpt-5-mini", "0.25", "0.025", "2", 400_000, THINKING, true],
  ["gpt-5-nano", "0.05", "0.005", "0.4", 400_000, THINKING, true],
  ["gpt-4.1", "2", "0.5", "8", 1_047_576, PLAIN, true],
  ["gpt-4.1-mini", "0.4", "0.1", "1.6", 1_047_576, PLAIN, true],
  ["gpt-4.1-nano", "0.1", "0.025", "0.4", 1_047_576, PLAIN, true],
  ["gpt-4o", "2.5", "1.25", "10", 128_000, PLAIN, true],
  ["gpt-4o-mini", "0.15", "0.075", "0.6", 128_000, PLAIN, true],
  ["o1", "15", "7.5", "60", 200_000, THINKING, true],
  ["o3", "2", "0.5", "8", 200_000, THINKING, true],
  ["o3-mini", "1.1", "0.55", "4.4", 200_000, THINKING, false],
  ["o4-mini", "1.1", "0.275", "4.4", 200_000, THINKING, true],
  ["claude-fable-5-1", "10", "0.25", "50", 200_000, THINKING, true],
  ["claude-opus-5-5", "4", "0.2", "20", 200_000, PLAIN, true],
  ["claude-opus-5", "5", "0.5", "25", 200_000, PLAIN, true],
  ["claude-opus-4-8", "5", "0.5", "25", 200_000, PLAIN, true],
  ["claude-sonnet-5-5", "2", "0.1", "10", 200_000, PLAIN, true],
  ["claude-sonnet-5", "2", "0.2", "10", 200_000, PLAIN, true],
  ["claude-sonnet-4-6", "3", "0.3", "15", 200_000, PLAIN, true],
  ["claude-sonnet-4-5", "3", "0.3", "15", 200_000, PLAIN, true],
  ["claude-haiku-5-5", "0.1", "0.01", "0.5", 100_000, PLAIN, true],
  ["claude-haiku-4-5", "1", "0.1", "5", 200_000, PLAIN, true],
  ["gemini-3.8-flash", "1.5", "0.15", "7.5", 1_048_576, THINKING, true],
  ["gemini-3.1-pro-preview", "2", "0.2", "12", 200_000, THINKING, true],
  ["gemini-3.1-flash-lite", "0.25", "0.025", "1.5", 1_048_576, THINKING, true],
  ["gemini-2.5-pro", "1.25", "0.125", "10", 200_000, THINKING, true],
  ["gemini-2.5-flash", "0.3", "0.03", "2.5", 1_048_576, THINKING, true],
  ["gemini-2.5-flash-lite", "0.1", "0.01", "0.4", 1_048_576, PLAIN, true],
  ["deepseek-v4-pro", "1.32", "0.044", "3.96", 1_000_000, THINKING, false],
  ["deepseek-flash", "0.3", "0.006", "1.2", 1_000_000, THINKING, false],
  ["deepseek-chat", "0.3", "0.028", "1.2", 128_000, PLAIN, false],
  ["deepseek-reasoner", "0.3", "0.028", "1.2", 128_000, THINKING, false],
  ["qwen3-max", "2.4", "0.48", "12", 128_000, PLAIN, false],
  ["qwen-plus", "0.4", "0.08", "4", 256_000, THINKING, false],
  ["qwen-flash", "0.05", "0.01", "0.4", 256_000, PLAIN, false],
  ["glm-4.7", "0.6", "0.11", "2.2", 204_800, THINKING, false],
  ["glm-4.6", "0.6", "0.11", "2.2", 204_800, THINKING, false],
  ["glm-4.5-air", "0.2", "0.03", "1.1", 131_072, PLAIN, false],
  ["kimi-k3", "3", "0.3", "15", 1_048_576, THINKING, true],
  ["kimi-k2.6", "0.95", "0.16", "4", 262_144, THINKING, true],
  ["kimi-k2-thinking", "0.6", "0.15", "2.5", 262_144, THINKING, false],
  ["grok-4.7", "2", "0.5", "6", 200_000, THINKING, true],
  ["llama-3.3-70b-versatile", "0.59", "0.59", "0.79", 131_072, PLAIN, false],
  ["llama-3.1-8b-instant", "0.05", "0.05", "0.08", 131_072, PLAIN, false],
];

/** Models whose price need not be configured. */
export const DEFAULT_MODELS: readonly DefaultModel[] = ROWS.map(
  ([name, input, cachedInput, output, contextTokens, outputTokensMax, images]) => ({
    name,
    input,
    cachedInput,
    output,
    contextTokens,
    outputTokensMax,
    images,
  }),
);
