import type { ChatTurn } from "../upstream/upstream.ts";

// What the wire format adds around each message and the whole prompt (OpenAI cookbook,
// https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken).
const TURN_OVERHEAD_TOKENS = 4;
const PROMPT_OVERHEAD_TOKENS = 3;
/** A high-detail picture of usual size (https://platform.openai.com/docs/guides/images-vision). */
export const IMAGE_TOKENS = 1_500;

export type CountTokens = (text: string) => number;

export interface ContextWindow {
  readonly turns: readonly ChatTurn[];
  readonly inputTokens: number;
}

export function countTurn(turn: ChatTurn, countTokens: CountTokens): number {
  return TURN_OVERHEAD_TOKENS + countTokens(turn.text) + turn.images.length * IMAGE_TOKENS;
}

/**
 * The system prompt, then the newest turns that fit `inputTokensMax`, then the question. The
 * question itself is always there, whatever it counts: whether it may be asked is decided before.
 * The context never begins with an answer whose question fell out.
 */
export function fitContext(
  systemPrompt: string,
  history: readonly ChatTurn[],
  question: ChatTurn,
  inputTokensMax: number,
  countTokens: CountTokens,
): ContextWindow {
  const system: ChatTurn = { role: "system", text: systemPrompt, images: [] };
  let inputTokens =
    PROMPT_OVERHEAD_TOKENS + countTurn(system, countTokens) + countTurn(question, countTokens);
  let first = history.length;
  while (first > 0) {
    const turn = history[first - 1];
    if (turn === undefined) break;
    const tokens = countTurn(turn, countTokens);
    if (inputTokens + tokens > inputTokensMax) break;
    inputTokens += tokens;
    first -= 1;
  }
  while (first < history.length && history[first]?.role === "assistant") {
    const turn = history[first];
    if (turn !== undefined) inputTokens -= countTurn(turn, countTokens);
    first += 1;
  }
  return { turns: [system, ...history.slice(first), question], inputTokens };
}
