import type { ChatAddress } from "../../core/chat/chat-address.ts";
import { DISCORD } from "./discord-errors.ts";
import type { DiscordInteraction } from "./discord-payload.ts";

const THREAD_PREFIX = "interaction:";

/** One interaction from when it came until nobody may ask for it any more. */
export interface OpenInteraction {
  readonly payload: DiscordInteraction;
  readonly userId: string;
  readonly isDirect: boolean;
  readonly isEphemeral: boolean;
  readonly openedAtMs: number;
  /** `false`: Discord took no answer in time, so there is nothing to answer to. */
  readonly acknowledged: Promise<boolean>;
  /** Someone has taken the place of "thinking …". */
  isTaken: boolean;
  isHandled: boolean;
  isOver: boolean;
  /** The message in the place of "thinking …". */
  responseId: string | null;
  /** A message whose answer goes on elsewhere, because its time is over. */
  leftBehindId: string | null;
}

/** The chat in which only the person sees what we write, as long as the interaction lasts. */
export function privateAddress(interaction: OpenInteraction, bot: string): ChatAddress {
  const { id, channel_id: channel } = interaction.payload;
  return { platform: DISCORD, bot, channel: channel ?? "", thread: `${THREAD_PREFIX}${id}` };
}

/** The interaction an address stands for; `null` when it is a channel. */
export function interactionOf({ thread }: ChatAddress): string | null {
  return thread?.startsWith(THREAD_PREFIX) === true ? thread.slice(THREAD_PREFIX.length) : null;
}

/** Where its answers go. */
export function webhookOf({
  application_id: application,
  token,
}: DiscordInteraction): `/${string}` {
  return `/webhooks/${application}/${token}`;
}

/** When Discord made it: https://docs.discord.com/developers/reference#snowflakes */
export function createdAtMs(snowflake: string): number {
  return /^\d{1,20}$/.test(snowflake)
    ? Number(BigInt(snowflake) >> 22n) + 1_420_070_400_000
    : Number.POSITIVE_INFINITY;
}
