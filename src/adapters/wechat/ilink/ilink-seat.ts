import type { BotSeat } from "../bot-source.ts";
import type { PuppetIlinkOptions } from "./ilink-puppet.ts";
import type { IlinkSession } from "./ilink-session.ts";

/** The seat of one person's bot; the person's id is its name. */
export function createSeat(
  session: IlinkSession,
  { clock, log }: Omit<PuppetIlinkOptions, "session">,
): BotSeat {
  const { personId } = session;
  return {
    name: personId,
    personId,
    createPuppet: async () => {
      if (session.isEnded) throw new Error("this WeChat login has ended");
      // It brings wechaty with it, which a program without WeChat does not load.
      const { PuppetIlink } = await import("./ilink-puppet.ts");
      return new PuppetIlink({ session, clock, log });
    },
    sendsLeft: async (id) => (id === personId ? session.sendsLeft : 0),
    showTyping: (id) => (id === personId ? session.showTyping() : Promise.resolve()),
    confirmMessage: (messageId) => session.cursor.confirm(messageId),
  };
}
