import { z } from "zod";
import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import type { Clock } from "../../core/clock.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;

/**
 * What a contact of a person allows: a message, or an event such as a tap on the menu.
 * https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Service_Center_messages.html
 */
export const CONTACT_RULES = {
  message: { sendsMax: 5, windowMs: 48 * HOUR_MS },
  event: { sendsMax: 3, windowMs: 60 * SECOND_MS },
} as const;

const KINDS = ["message", "event"] as const;

/** How a person got in touch last. */
export interface Contact {
  readonly kind: "message" | "event";
  /** The same contact told twice counts once. */
  readonly eventId: string;
  readonly atMs: number;
}

const StoredContact = z.object({ eventId: z.string(), atMs: z.number(), sent: z.int() });
const StoredContacts = z.object({
  message: StoredContact.optional(),
  event: StoredContact.optional(),
});
type StoredContacts = z.infer<typeof StoredContacts>;

/**
 * Counts what was sent to each person since they last got in touch. Kept in the adapter's memory
 * before anything is sent, so that a restart sends nothing too much.
 */
export class SendBudget {
  readonly #memory: AdapterMemory;
  readonly #clock: Clock;
  /** The last change of each person's count that is under way. */
  readonly #changes = new Map<string, Promise<void>>();

  constructor(memory: AdapterMemory, clock: Clock) {
    this.#memory = memory;
    this.#clock = clock;
  }

  /** The person got in touch: what may be sent counts anew. */
  async renew(openId: string, { kind, eventId, atMs }: Contact): Promise<void> {
    await this.#change(openId, (contacts) => {
      const known = contacts[kind];
      if (known?.eventId === eventId || (known?.atMs ?? 0) > atMs) return null;
      return { ...contacts, [kind]: { eventId, atMs, sent: 0 } };
    });
  }

  async sendsLeft(openId: string): Promise<number> {
    return this.#countLeft(await this.#read(openId));
  }

  /** Counts one message that is about to be sent; `false` when there is none left. */
  async take(openId: string): Promise<boolean> {
    let isTaken = false;
    await this.#change(openId, (contacts) => {
      isTaken = this.#countLeft(contacts) > 0;
      return isTaken ? mapSent(contacts, (sent) => sent + 1) : null;
    });
    return isTaken;
  }

  /** The message that was counted was refused. */
  async giveBack(openId: string): Promise<void> {
    await this.#change(openId, (contacts) => mapSent(contacts, (sent) => Math.max(0, sent - 1)));
  }

  /** WeChat says that nothing more may be sent. */
  async close(openId: string): Promise<void> {
    await this.#change(openId, (contacts) =>
      mapSent(contacts, (_, kind) => CONTACT_RULES[kind].sendsMax),
    );
  }

  /** The person left. */
  async forget(openId: string): Promise<void> {
    await this.#memory.delete(keyOf(openId));
  }

  /** `null` when they never were in touch. */
  async lastContactMs(openId: string): Promise<number | null> {
    const contacts = await this.#read(openId);
    const times = KINDS.flatMap((kind) => contacts[kind]?.atMs ?? []);
    return times.length === 0 ? null : Math.max(...times);
  }

  #countLeft(contacts: StoredContacts): number {
    const nowMs = this.#clock.now().getTime();
    const left = KINDS.map((kind) => {
      const contact = contacts[kind];
      const { sendsMax, windowMs } = CONTACT_RULES[kind];
      return contact === undefined || nowMs - contact.atMs >= windowMs
        ? 0
        : sendsMax - contact.sent;
    });
    // What a message and an event allow does not add up.
    return Math.max(0, ...left);
  }

  /** One change of a person's count at a time. `null` changes nothing. */
  async #change(
    openId: string,
    change: (contacts: StoredContacts) => StoredContacts | null,
  ): Promise<void> {
    const before = this.#changes.get(openId) ?? Promise.resolve();
    const run = before.then(async () => {
      const changed = change(await this.#read(openId));
      if (changed !== null) await this.#memory.write(keyOf(openId), JSON.stringify(changed));
    });
    const ended = run.catch(() => {});
    this.#changes.set(openId, ended);
    try {
      await run;
    } finally {
      if (this.#changes.get(openId) === ended) this.#changes.delete(openId);
    }
  }

  async #read(openId: string): Promise<StoredContacts> {
    const stored = await this.#memory.read(keyOf(openId));
    return stored === null ? {} : StoredContacts.parse(JSON.parse(stored));
  }
}

function mapSent(
  contacts: StoredContacts,
  change: (sent: number, kind: Contact["kind"]) => number,
): StoredContacts {
  const changed = KINDS.flatMap((kind) => {
    const contact = contacts[kind];
    return contact === undefined ? [] : [[kind, { ...contact, sent: change(contact.sent, kind) }]];
  });
  return Object.fromEntries(changed);
}

function keyOf(openId: string): string {
  return `contact:${openId}`;
}
