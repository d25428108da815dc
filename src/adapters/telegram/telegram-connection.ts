import { type TelegramApi, TelegramRefusal } from "./telegram-api.ts";
import { ALLOWED_UPDATES } from "./telegram-update.ts";

// https://core.telegram.org/bots/api#setwebhook
const WEBHOOK_CONNECTIONS_MAX = 40;

export interface WebhookSettings {
  readonly url: string;
  /** 1 to 256 of A-Z, a-z, 0-9, "_" and "-". */
  readonly secretToken: string;
}

/**
 * Introduces us to Telegram and says how updates shall come: by webhook, or by polling when that
 * is `null`. Returns the bot's username. Updates that wait already are kept.
 */
export async function connectBot(
  api: TelegramApi,
  webhook: WebhookSettings | null,
  signal: AbortSignal,
): Promise<string> {
  const me = await api.call((raw, aborted) => raw.getMe(aborted), { signal });
  await api.call(
    (raw, aborted) =>
      webhook === null
        ? raw.deleteWebhook({ drop_pending_updates: false }, aborted)
        : raw.setWebhook(
            {
              url: webhook.url,
              secret_token: webhook.secretToken,
              allowed_updates: ALLOWED_UPDATES,
              max_connections: WEBHOOK_CONNECTIONS_MAX,
              drop_pending_updates: false,
            },
            aborted,
          ),
    { signal },
  );
  return me.username;
}

export interface ConnectionProblem {
  /** One sentence for operators. */
  readonly text: string;
  /** It will not go away by itself. */
  readonly isLasting: boolean;
}

/** What to tell operators about a failed call to Telegram. */
export function describeProblem(error: unknown): ConnectionProblem {
  if (!(error instanceof TelegramRefusal)) {
    return { text: "Telegram cannot be reached", isLasting: false };
  }
  const { code, description } = error;
  if (code === 401 || code === 404) {
    return { text: "Telegram refuses the bot token: check TELEGRAM_BOT_TOKEN", isLasting: true };
  }
  if (code === 409 && /webhook/i.test(description)) {
    return { text: "Telegram: another program has set a webhook for this bot", isLasting: true };
  }
  if (code === 409) {
    return { text: "Telegram: another program is polling for this bot", isLasting: true };
  }
  return { text: `Telegram refuses calls: ${description}`, isLasting: false };
}
