import type { Sender } from "../chat/incoming-message.ts";

/** A customer: owns credit, settings and history. Has one or more identities. */
export interface Account {
  readonly id: string;
  readonly status: "active" | "banned";
  readonly banReason: string | null;
  /** What the person chose; `null` until they did. */
  readonly locale: string | null;
  readonly model: string | null;
  readonly role: string | null;
  /** `null`: as the configuration says. */
  readonly showReceipt: boolean | null;
  readonly createdAt: Date;
}

/** The key of a person on one bot of one platform. */
export interface Identity {
  readonly id: bigint;
  readonly accountId: string;
  readonly platform: string;
  readonly bot: string;
  readonly platformUserId: string;
  readonly displayName: string;
  readonly username: string | null;
  /** Where the person reads us alone; `null` until they wrote there. */
  readonly directChannel: string | null;
}

/** Who wrote: the account and the identity they wrote with. */
export interface Person {
  readonly account: Account;
  readonly identity: Identity;
  /** This message is the first we ever saw of them. */
  readonly isNew: boolean;
  /** The free trial has not been given yet. */
  readonly isTrialDue: boolean;
}

export interface SeenSender {
  readonly platform: string;
  readonly bot: string;
  readonly sender: Sender;
  /** The channel, when the person wrote in private. */
  readonly directChannel: string | null;
}

/** Settings a person can change; a field left out stays as it is. */
export interface AccountSettings {
  readonly locale?: string | null;
  readonly model?: string | null;
  readonly role?: string | null;
  readonly showReceipt?: boolean | null;
}
