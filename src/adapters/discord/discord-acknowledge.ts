import { OutsideError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { DiscordApi } from "./discord-api.ts";
import { ONLY_FOR_YOU } from "./discord-content.ts";
import { ALREADY_ACKNOWLEDGED, isRefusal } from "./discord-errors.ts";
import type { DiscordInteraction } from "./discord-payload.ts";

// https://docs.discord.com/developers/interactions/receiving-and-responding: within 3 s.
const TIMEOUT_MS = 2_800;
const TRIES_MAX = 2;
const DEFERRED_MESSAGE = 5;
const DEFERRED_UPDATE = 6;
/** The type of interaction that a press on a button is. */
export const PRESS = 3;

/**
 * Tells Discord that we have the interaction; that settles who may see the answer. Resolves with
 * `false` when Discord did not take it, so that there is nothing to answer to. Never throws.
 */
export async function acknowledge(
  { id, token, type }: DiscordInteraction,
  isEphemeral: boolean,
  { api, log }: { readonly api: DiscordApi; readonly log: Logger },
): Promise<boolean> {
  const data = isEphemeral ? { data: { flags: ONLY_FOR_YOU } } : {};
  const body = type === PRESS ? { type: DEFERRED_UPDATE } : { type: DEFERRED_MESSAGE, ...data };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await api.call({
        method: "POST",
        route: `/interactions/${id}/${token}/callback`,
        body,
        isAuthorized: false,
        timeoutMs: TIMEOUT_MS,
      });
      return true;
    } catch (error) {
      if (isRefusal(error, ALREADY_ACKNOWLEDGED)) return true;
      const mayRetry = error instanceof OutsideError && error.kind === "unreachable";
      if (mayRetry && attempt < TRIES_MAX) continue;
      log.warn({ err: error }, "interaction not acknowledged");
      return false;
    }
  }
}
