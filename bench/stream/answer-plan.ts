/** How the server answers; the model's name carries it there. */
export interface AnswerPlan {
  readonly chunks: number;
  /** `null` writes as fast as the reader takes it. */
  readonly perSecond: number | null;
}

const WORDS = [
  " the",
  " answer",
  "，它",
  "在",
  "变",
  "长",
  " word",
  " by",
  " **word**",
  ",",
  "\n\n",
  " `x`",
];
const ANSWER_ID = "chatcmpl-CYb2kQ7vJ0wq8bHk3mTn5RfLs1dXe";

/** The model name for a plan. */
export function modelOf({ chunks, perSecond }: AnswerPlan): string {
  return `bench-${chunks}-${perSecond ?? "burst"}`;
}

/** Reads what `modelOf` wrote. */
export function planOf(model: string): AnswerPlan {
  const [, chunks, pace] = model.split("-");
  return { chunks: Number(chunks), perSecond: pace === "burst" ? null : Number(pace) };
}

/** What the answer says, one word a chunk. */
export function wordOf(index: number): string {
  return WORDS[(index * 5 + (index >> 3)) % WORDS.length] ?? "";
}

/** The whole answer, to compare with. */
export function textOf(chunks: number): string {
  return Array.from({ length: chunks }, (_, index) => wordOf(index)).join("");
}

/** The server-sent events of the words, with the fields that OpenAI sends. */
export function createEvents(chunks: number): string[] {
  return Array.from({ length: chunks }, (_, index) => eventOf({ content: wordOf(index) }, null));
}

function eventOf(delta: object, finishReason: string | null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ ...FIELDS, choices, usage: null })}\n\n`;
}

const FIELDS = {
  id: ANSWER_ID,
  object: "chat.completion.chunk",
  created: 1_764_000_000,
  model: "gpt-5-mini-2025-08-07",
  service_tier: "default",
  system_fingerprint: "fp_51db84afab",
};

const USAGE = { prompt_tokens: 12, completion_tokens: 0, total_tokens: 12 };

/** What comes behind the words: the reason of the end, the usage, the end. */
export const END = `${eventOf({}, "stop")}data: ${JSON.stringify({ ...FIELDS, choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`;
