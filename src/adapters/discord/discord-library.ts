/** discord.js as a whole. */
export type DiscordLibrary = typeof import("discord.js");

/** Loaded when it is first needed: a program without Discord does not pay its memory. */
export function loadDiscordLibrary(): Promise<DiscordLibrary> {
  return import("discord.js");
}
