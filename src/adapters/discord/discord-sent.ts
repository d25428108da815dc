import { z } from "zod";
import { OutsideError } from "../../core/errors.ts";
import { DISCORD } from "./discord-errors.ts";

const Sent = z.object({ id: z.string() });

/** The id in Discord's answer to what we made: a message or a channel. */
export function sentMessageId(answer: unknown): string {
  const { data, error } = Sent.safeParse(answer);
  if (data === undefined) throw new OutsideError(DISCORD, "rejected", { cause: error });
  return data.id;
}
