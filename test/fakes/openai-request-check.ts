import { z } from "zod";
import type { Behaviour, StatusFault } from "./openai-behaviour.ts";

const Content = z.union([
  z.string(),
  z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({ type: z.literal("text"), text: z.string().min(1) }),
        z.strictObject({
          type: z.literal("image_url"),
          image_url: z.strictObject({
            url: z.string().regex(/^(https?:\/\/|data:image\/[a-z+]+;base64,[A-Za-z0-9+/]+=*$)/),
          }),
        }),
      ]),
    )
    .min(1),
]);
const Message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: z.string() }),
  z.strictObject({ role: z.literal("user"), content: Content }),
  z.strictObject({ role: z.literal("assistant"), content: z.string() }),
]);
const Body = z.strictObject({
  model: z.string(),
  messages: z.array(Message).min(1),
  max_completion_tokens: z.number().int().min(1).optional(),
  max_tokens: z.number().int().min(1).optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean() }).optional(),
  temperature: z.number().min(0).max(2).optional(),
});

export type ChatBody = z.output<typeof Body>;

export type CheckedRequest =
  | { readonly ok: true; readonly body: ChatBody }
  | { readonly ok: false; readonly fault: StatusFault };

/** Judges the body of a request as strictly as OpenAI does, in its words. */
export function checkRequest(
  text: string,
  behaviour: (model: string) => Behaviour,
  knowsModel: (model: string) => boolean,
): CheckedRequest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse("We could not parse the JSON body of your request.");
  }
  const parsed = Body.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const param = issue?.path.join(".") || null;
    return refuse(`Invalid request: ${issue?.message} (${param})`, param, "invalid_value");
  }
  const body = parsed.data;
  if (!knowsModel(body.model)) {
    const message = `The model \`${body.model}\` does not exist or you do not have access to it.`;
    return { ok: false, fault: { ...REFUSAL, status: 404, code: "model_not_found", message } };
  }
  for (const param of behaviour(body.model).refuses ?? []) {
    if (param in body) return unsupported(param);
  }
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined) {
    return refuse(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
    );
  }
  if (body.stream_options !== undefined && body.stream !== true) {
    return refuse(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
    );
  }
  return { ok: true, body };
}

const REFUSAL = { type: "status", status: 400, errorType: "invalid_request_error" } as const;

function refuse(message: string, param: string | null = null, code: string | null = null) {
  return { ok: false, fault: { ...REFUSAL, message, param, code } } as const;
}

function unsupported(param: string) {
  return refuse(
    `Unsupported parameter: '${param}' is not supported with this model.`,
    param,
    "unsupported_parameter",
  );
}
