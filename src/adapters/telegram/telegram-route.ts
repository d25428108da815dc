import type { EventRoute } from "../shared/inbox-runner.ts";
import { overtakesOf } from "../shared/overtakes.ts";
import { TELEGRAM_CAPABILITIES } from "./telegram-capabilities.ts";
import { threadOf } from "./telegram-message.ts";
import { TelegramUpdate } from "./telegram-update.ts";

/** Where an update belongs in the order of events. */
export function routeUpdate(payload: unknown): EventRoute {
  const { data: update } = TelegramUpdate.safeParse(payload);
  const message = update?.message ?? update?.edited_message;
  if (message !== undefined) {
    const lane = `${message.chat.id}:${threadOf(message) ?? ""}`;
    const batch = update?.message?.media_group_id ?? null;
    const text = message.text ?? message.caption ?? "";
    const overtakes = batch === null ? overtakesOf(text, TELEGRAM_CAPABILITIES) : "nothing";
    return { lane, person: String(message.from?.id ?? ""), overtakes, batch };
  }
  const userId = update?.callback_query?.from.id ?? update?.my_chat_member?.from.id;
  const person = String(userId ?? "");
  return { lane: `user:${person}`, person, overtakes: "everything", batch: null };
}
