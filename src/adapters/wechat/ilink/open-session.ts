import type { AdapterMemory } from "../../../core/chat/adapter-memory.ts";
import type { SecretBox } from "../../../core/upstream/secret-box.ts";
import { SendAllowance } from "./ilink-allowance.ts";
import { IlinkCursor } from "./ilink-cursor.ts";
import { IlinkParts } from "./ilink-parts.ts";
import { IlinkSession, type SessionOptions } from "./ilink-session.ts";

export interface OpenSessionOptions
  extends Pick<SessionOptions, "credentials" | "clock" | "log" | "onEnded"> {
  readonly memory: AdapterMemory;
  readonly box: SecretBox;
}

/** The session of a login with all that is remembered of it. */
export async function openSession(options: OpenSessionOptions): Promise<IlinkSession> {
  const { credentials, memory, box, clock, log, onEnded } = options;
  const { personId, botId } = credentials;
  const [allowance, cursor, parts] = await Promise.all([
    SendAllowance.read({ memory, box, clock, personId }),
    // A place in the line of one bot means nothing to another.
    IlinkCursor.read({ memory, log, key: `cursor:${personId}:${botId}` }),
    IlinkParts.read({ memory, box, log, personId }),
  ]);
  return new IlinkSession({ credentials, allowance, cursor, parts, clock, log, onEnded });
}
