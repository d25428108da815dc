import { z } from "zod";

/** Previews of pictures are stored with the message, so they must be small. */
const THUMBNAIL_LENGTH_MAX = 60_000;
const ATTACHMENTS_MAX = 4;

const Thumbnail = z
  .string()
  .max(THUMBNAIL_LENGTH_MAX)
  .regex(/^data:image\/(jpeg|png|webp);base64,[A-Za-z0-9+/=]+$/);

/** What the page posts when a person writes. */
export const PostedMessage = z
  .object({
    /** Made by the page, so that sending again after a broken connection sends once. */
    id: z.uuidv7().toLowerCase(),
    text: z.string(),
    attachments: z
      .array(
        z.object({
          name: z.string().max(200),
          mediaType: z.string().max(100),
          base64: z.base64(),
          thumbnail: Thumbnail.nullish(),
        }),
      )
      .max(ATTACHMENTS_MAX)
      .default([]),
  })
  .refine((message) => message.text.trim() !== "" || message.attachments.length > 0);
export type PostedMessage = z.infer<typeof PostedMessage>;

/** What the page posts when a person presses a button. */
export const PostedAction = z.object({
  id: z.uuid(),
  action: z.enum(["stop", "retry", "new"]),
  replyId: z.uuid(),
});

export const PostedKey = z.object({ key: z.string().max(500) });

/** A code the page has a sentence for. */
export type WebProblem =
  | "no_session"
  | "too_many_visitors"
  | "foreign_origin"
  | "method_not_allowed"
  | "invalid"
  | "clock"
  | "try_later"
  | "wrong_key"
  | "too_many_attempts"
  | "not_found"
  | "file_gone";

const STATUS = {
  no_session: 401,
  too_many_visitors: 429,
  foreign_origin: 403,
  method_not_allowed: 405,
  invalid: 400,
  clock: 409,
  try_later: 503,
  wrong_key: 403,
  too_many_attempts: 429,
  not_found: 404,
  file_gone: 410,
} as const satisfies Record<WebProblem, number>;

export function problemResponse(code: WebProblem, fields: object = {}): Response {
  return jsonResponse({ error: { code, ...fields } }, STATUS[code]);
}

export function jsonResponse(body: unknown, status = 200): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

/** `null` when the body is not what the schema says. */
export async function readPosted<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.infer<Schema> | null> {
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim();
  if (mediaType !== "application/json") return null;
  const body: unknown = await request.json().catch(() => null);
  const parsed = schema.safeParse(body);
  return parsed.success ? parsed.data : null;
}

/**
 * Whether a page of ours sent it. Browsers say where a request comes from; a program that says
 * nothing carries no one's cookies but its own.
 */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  const host = request.headers.get("host") ?? new URL(request.url).host;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** The language the browser prefers, such as "zh-cn"; `null` when it does not say. */
export function preferredLocale(request: Request): string | null {
  const first = request.headers.get("accept-language")?.split(",")[0]?.split(";")[0]?.trim();
  return first !== undefined && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(first)
    ? first.toLowerCase()
    : null;
}
