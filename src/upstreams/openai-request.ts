import { Buffer } from "node:buffer";
import type {
  ChatCompletionContentPart,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions";
import type { ChatTurn, CompletionRequest } from "../core/upstream/upstream.ts";

/** What one model at one endpoint understands of OpenAI's wire format. */
export interface Dialect {
  readonly tokenLimit: "max_completion_tokens" | "max_tokens";
  readonly sendsUsage: boolean;
}

const OPENAI_DIALECT: Dialect = { tokenLimit: "max_completion_tokens", sendsUsage: true };

/**
 * What has been learnt about an endpoint. Each model is first spoken to as OpenAI's own; the keys
 * of one endpoint share what they learn.
 */
export class EndpointDialects {
  readonly #learnt = new Map<string, Dialect>();

  of(model: string): Dialect {
    return this.#learnt.get(model) ?? OPENAI_DIALECT;
  }

  learn(model: string, dialect: Dialect): void {
    this.#learnt.set(model, dialect);
  }
}

/** The body of a request for a streamed answer. */
export function createBody(
  request: CompletionRequest,
  model: string,
  dialect: Dialect,
): ChatCompletionCreateParamsStreaming {
  return {
    model,
    messages: request.turns.map(createMessage),
    stream: true,
    [dialect.tokenLimit]: request.outputTokensMax,
    ...(dialect.sendsUsage ? { stream_options: { include_usage: true } } : {}),
  };
}

/** The dialect without the parameter that a refusal names; `null` when it names none of ours. */
export function adaptDialect(
  dialect: Dialect,
  refusal: { readonly param: string | null; readonly message: string },
): Dialect | null {
  const { param, message } = refusal;
  const names = (parameter: string) => {
    return param === null ? message.includes(parameter) : param.startsWith(parameter);
  };
  if (dialect.sendsUsage && names("stream_options")) return { ...dialect, sendsUsage: false };
  if (dialect.tokenLimit === "max_completion_tokens" && names("max_completion_tokens")) {
    return { ...dialect, tokenLimit: "max_tokens" };
  }
  return null;
}

function createMessage(turn: ChatTurn): ChatCompletionMessageParam {
  if (turn.role !== "user" || turn.images.length === 0) {
    return { role: turn.role, content: turn.text };
  }
  const text: ChatCompletionContentPart[] =
    turn.text === "" ? [] : [{ type: "text", text: turn.text }];
  const images = turn.images.map(({ mediaType, bytes }): ChatCompletionContentPart => {
    const { buffer, byteOffset, byteLength } = bytes;
    const base64 = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    return { type: "image_url", image_url: { url: `data:${mediaType};base64,${base64}` } };
  });
  return { role: "user", content: [...text, ...images] };
}
