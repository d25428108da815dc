// https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
export const TOKEN_REFUSED = 4004;
export const DISALLOWED_INTENTS = 4014;
const CLOSE_PROBLEMS: Readonly<Record<number, string>> = {
  [TOKEN_REFUSED]: "Discord refuses the bot token: check DISCORD_BOT_TOKEN",
  4010: "Discord refuses the number of this shard",
  4011: "Discord asks for more shards: set DISCORD_SHARDS to auto",
  4012: "Discord no longer knows this version of its gateway",
  4013: "Discord refuses the intents of this program",
};
export const CONTENT_INTENT_REFUSED =
  "Discord refuses the message content intent: switch it on in the Developer Portal";

/** Why Discord closed the connection for good, in one sentence for operators. */
export function closeProblem(code: number): string {
  return CLOSE_PROBLEMS[code] ?? `Discord closed the connection (${code})`;
}
