import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { InboxEvent, InboxStore } from "../../core/chat/inbox.ts";
import { readText } from "../shared/read-at-most.ts";
import { TELEGRAM } from "./telegram-api.ts";

// https://core.telegram.org/bots/api#setwebhook
const SECRET_HEADER = "x-telegram-bot-api-secret-token";
const BODY_BYTES_MAX = 1_000_000;
const RETRY_AFTER_SECONDS = "1";

const Body = z.looseObject({ update_id: z.int() });

/** Where received updates go on to, once they are saved. */
export interface WebhookTarget {
  /** Whether updates can be taken now; if not, Telegram brings them again. */
  isReady(): boolean;
  accept(events: readonly InboxEvent[]): void;
}

/** Takes updates that Telegram posts. Answers 200 once they are saved; they are handled later. */
export class TelegramWebhook {
  readonly path = "/webhooks/telegram";
  readonly #bot: string;
  readonly #secretToken: string;
  readonly #inbox: InboxStore;
  readonly #target: WebhookTarget;

  constructor(bot: string, secretToken: string, inbox: InboxStore, target: WebhookTarget) {
    this.#bot = bot;
    this.#secretToken = secretToken;
    this.#inbox = inbox;
    this.#target = target;
  }

  async handle(request: Request): Promise<Response> {
    if (request.method !== "POST") return answer(405, "method not allowed");
    if (!isSame(request.headers.get(SECRET_HEADER) ?? "", this.#secretToken)) {
      return answer(401, "wrong secret token");
    }
    const body = await readText(request, BODY_BYTES_MAX);
    if (body === null) return answer(413, "body too large");
    const update = parseBody(body);
    if (update === null) return answer(400, "not an update");
    if (!this.#target.isReady()) {
      return new Response("try again", {
        status: 503,
        headers: { "retry-after": RETRY_AFTER_SECONDS },
      });
    }
    const event = { eventId: String(update.update_id), payload: update };
    this.#target.accept(await this.#inbox.save(TELEGRAM, this.#bot, [event]));
    return answer(200, "ok");
  }
}

function answer(status: number, text: string): Response {
  return new Response(text, { status });
}

/** In a time that tells nothing about where the two differ, or how long they are. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function parseBody(body: string): z.infer<typeof Body> | null {
  try {
    return Body.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}
