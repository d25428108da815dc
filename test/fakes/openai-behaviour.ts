/** An error answer as OpenAI and its likes send it. */
export interface StatusFault {
  readonly type: "status";
  readonly status: number;
  readonly code?: string | number | null;
  readonly errorType?: string;
  readonly param?: string | null;
  readonly message?: string;
  readonly metadata?: object;
  /** The `retry-after` header, seconds or a date. */
  readonly retryAfter?: string;
  /** The `retry-after-ms` header. */
  readonly retryAfterMs?: string;
}

/** Something that goes wrong before or after so many tokens. */
export interface StreamFault {
  /**
   * hang: no answer at all. silence: headers, then nothing. stall: the stream stands still. cut: the
   * socket is destroyed. end: the stream ends in order, but unfinished. garbage: a chunk that is no
   * JSON. error: an error object.
   */
  readonly type: "hang" | "silence" | "stall" | "cut" | "end" | "garbage" | "error";
  /** Tokens given before; nothing for "hang" and "silence". */
  readonly at?: number;
  /** For "error": what `data: {"error": …}` holds. */
  readonly error?: object;
}

/** How the server answers a question. Left out: ten English words, at once, with usage. */
export interface Behaviour {
  /** How many, or exactly these. */
  readonly tokens?: number | readonly string[];
  readonly language?: "en" | "zh";
  readonly firstByteMs?: number;
  readonly tokenMs?: number;
  /** `false`: never sends usage, asked for or not. */
  readonly usage?: boolean;
  /** Usage sent in place of the true one. */
  readonly usageSent?: object;
  readonly cachedTokens?: number;
  /** Chunks of reasoning before the first token, at the same pace. */
  readonly reasoning?: number;
  readonly finish?: string;
  readonly modelAnswered?: string;
  /** Ends without "data: [DONE]". */
  readonly omitsDone?: boolean;
  /** Ends without a finish reason. */
  readonly omitsFinish?: boolean;
  /** After the finish reason the stream stays open. */
  readonly staysOpen?: boolean;
  readonly lineEnd?: "\n" | "\r\n" | "\r";
  /** Sends each byte on its own, so that every character and line is cut. */
  readonly byteByByte?: boolean;
  /** Comments before each chunk, as a sign of life. */
  readonly comments?: boolean;
  /** Parameters that it does not know. */
  readonly refuses?: readonly string[];
  readonly fault?: StatusFault | StreamFault;
  /** How often the fault happens, from 0 to 1; always when left out. */
  readonly probability?: number;
}

const STATUS_CODES: Readonly<Record<number, string>> = {
  401: "invalid_api_key",
  429: "rate_limit_exceeded",
  500: "server_error",
};

/**
 * Reads a behaviour from a model's name, so that it passes through any gateway in between:
 * "fake;tokens=40;token-ms=20;first-ms=100;zh;no-usage;cut@7:0.3" gives 40 Chinese tokens, one each
 * 20 ms, without usage, and three of ten streams are cut after 7 tokens. Faults: a status ("429"),
 * "hang", "silence", and "cut", "stall", "end", "garbage" or "error" with "@" and a number of tokens.
 */
export function parseBehaviour(model: string): Behaviour {
  return Object.assign({}, ...model.split(";").slice(1).map(parseWord));
}

function parseWord(word: string): Behaviour {
  const [name = "", value = ""] = word.split("=");
  if (name === "zh") return { language: "zh" };
  if (name === "no-usage") return { usage: false };
  if (name === "tokens") return { tokens: Number(value) };
  if (name === "token-ms") return { tokenMs: Number(value) };
  if (name === "first-ms") return { firstByteMs: Number(value) };
  const fault = /^(\d{3}|[a-z]+)(?:@(\d+))?(?::([\d.]+))?$/.exec(word);
  if (fault === null) throw new Error(`Unknown behaviour: ${word}`);
  const [, type = "", at = "0", probability = "1"] = fault;
  return { fault: createFault(type, Number(at)), probability: Number(probability) };
}

function createFault(type: string, at: number): StatusFault | StreamFault {
  const status = Number(type);
  if (Number.isInteger(status)) {
    const code = STATUS_CODES[status] ?? null;
    return { type: "status", status, code, ...(status === 429 ? { retryAfter: "1" } : {}) };
  }
  switch (type) {
    case "hang":
    case "silence":
    case "stall":
    case "cut":
    case "end":
    case "garbage":
    case "error":
      return { type, at };
    default:
      throw new Error(`Unknown fault: ${type}`);
  }
}

const ENGLISH = "the quick brown fox jumps over a lazy dog while seven wizards play chess".split(
  " ",
);
const CHINESE = Array.from("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏");

/** The tokens of an answer, always the same: who knows how many knows the text. */
export function tokensOf(behaviour: Behaviour): readonly string[] {
  const { tokens = 10, language = "en" } = behaviour;
  if (typeof tokens !== "number") return tokens;
  const pieces = language === "zh" ? CHINESE : ENGLISH;
  return Array.from({ length: tokens }, (_, index) => {
    const piece = pieces[index % pieces.length] ?? "";
    return language === "zh" || index === 0 ? piece : ` ${piece}`;
  });
}
