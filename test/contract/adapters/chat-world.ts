import type { AdapterMemory } from "../../../src/core/chat/adapter-memory.ts";
import type { ChatAdapter } from "../../../src/core/chat/chat-adapter.ts";
import type { InboxStore } from "../../../src/core/chat/inbox.ts";
import type { WebMessageStore } from "../../../src/core/chat/web-message-store.ts";
import type { Clock } from "../../../src/core/clock.ts";
import type { OutsideErrorKind } from "../../../src/core/errors.ts";
import type { Logger } from "../../../src/core/log.ts";

/** What the program gives an adapter. */
export interface AdapterParts {
  readonly inbox: InboxStore;
  /** What is kept for one bot of a platform. */
  memoryOf(platform: string, bot: string): AdapterMemory;
  readonly webMessages: WebMessageStore;
  readonly log: Logger;
}

/** An adapter of the program as it is now. */
export interface ConnectedAdapter {
  readonly adapter: ChatAdapter;
  /** Resolves once the adapter, already started, hears the people of the world. */
  ready(): Promise<void>;
  /** The adapter has stopped: ends what was around it. */
  end(): Promise<void>;
}

/** What a person did, as the platform can bring it once more. */
export interface Told {
  /** The very same event comes again. */
  again(): Promise<void>;
}

/** Somebody with the platform in their hands, in a private chat with the bot. */
export interface WorldPerson {
  /** The chat, as the adapter's addresses name it. */
  readonly channel: string;
  writes(text: string): Promise<Told>;
  /** A command as it is typed on that platform: from its menu where there is one. */
  commands(text: string): Promise<void>;
  /** What the bot's messages show now, oldest first. */
  seen(): Promise<readonly string[]>;
  /** Presses the button that stops the answer; only where there are buttons. */
  pressesStop(): Promise<void>;
  /** Closes the chat to the bot. */
  blocks(): Promise<void>;
}

/** One platform on this machine: its strict fake, its people, and its real client library. */
export interface ChatWorld {
  /** Of the program and of the fake. */
  readonly clock: Clock;
  /** What one message may hold on the platform itself, after formatting. */
  readonly pieceMax: { readonly characters: number; readonly bytes: number };
  /** The adapter tells the core again what the platform brings again, and leaves it to that. */
  readonly repeats: boolean;
  /** Messages that come at the same moment come in the order they were written. */
  readonly keepsOrder: boolean;
  /** What a closed chat is told as; `null` where the platform never tells. */
  readonly blockedAs: OutsideErrorKind | null;
  /**
   * Refuses the next so many sends for speed; `null` where the platform refuses nobody. Returns
   * what tells how many were refused.
   */
  readonly flood: ((times: number) => () => number) | null;
  /** A new adapter, as after a start of the program. */
  connect(parts: AdapterParts): Promise<ConnectedAdapter>;
  newPerson(): Promise<WorldPerson>;
  /** How often the bot tried to send anything. */
  sends(): number;
  /** What a correct client never does, yet was done. */
  complaints(): readonly string[];
  /** Texts of the platform's adapter that belong to no answer. */
  readonly asides: readonly string[];
  stop(): Promise<void>;
}
