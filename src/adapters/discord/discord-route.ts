import type { EventRoute } from "../shared/inbox-runner.ts";
import { type Overtakes, overtakesOf } from "../shared/overtakes.ts";
import { PRESS } from "./discord-acknowledge.ts";
import { DISCORD_CAPABILITIES } from "./discord-capabilities.ts";
import { userOf } from "./discord-message.ts";
import { SavedEvent } from "./discord-payload.ts";

const ANY_MENTION_FIRST = /^\s*<@!?\d+>[\s,:;，：；]*/;

/** Where an event belongs in the order of events. */
export function routeEvent(payload: unknown): EventRoute {
  const { data: event } = SavedEvent.safeParse(payload);
  const lane = event?.data.channel_id ?? "";
  if (event === undefined) return { lane, person: "", overtakes: "nothing", batch: null };
  const user = event.kind === "interaction" ? userOf(event.data) : event.data.author;
  return { lane, person: user?.id ?? "", overtakes: overtakesOfEvent(event), batch: null };
}

function overtakesOfEvent({ kind, data }: SavedEvent): Overtakes {
  if (kind !== "interaction") {
    return overtakesOf(data.content.replace(ANY_MENTION_FIRST, ""), DISCORD_CAPABILITIES);
  }
  if (data.type === PRESS) return "everything";
  return overtakesOf(`/${data.data?.name}`, DISCORD_CAPABILITIES);
}
