import type { Puppet } from "wechaty-puppet";
import type { ChatCapabilities } from "../../core/chat/chat-adapter.ts";

/** One WeChat login we hold: a bot of ours with a puppet of its own. */
export interface BotSeat {
  /** Unique and stable among the seats of the source, also across restarts. */
  readonly name: string;
  /** The only person who can talk with this bot; `null` when there may be many. */
  readonly personId: string | null;
  /**
   * Absolute path of the file, without its ending, in which the puppet keeps its session so that
   * nobody has to scan again. Missing where the source remembers that itself.
   */
  readonly sessionFile?: string;
  /** A new puppet for every try; the supervisor starts and stops it. Throws when there is none. */
  createPuppet(): Promise<Puppet>;
  /**
   * How many messages this person may still get before they write again. There is one exactly
   * where the source's `sendsPerMessageMax` is not null.
   */
  sendsLeft?(personId: string): Promise<number>;
  /**
   * Shows this person that an answer is being written. There is one exactly where the source's
   * `typingMs` is not null.
   */
  showTyping?(personId: string): Promise<void>;
  /**
   * Resolves while whatever stands behind the puppet works, and rejects when it is gone. Missing
   * where the puppet notices that by itself and then logs out.
   */
  probe?(puppet: Puppet): Promise<void>;
  /**
   * The message is in our inbox now, or needs no place there: the source need not bring it again
   * after a restart. Never throws.
   */
  confirmMessage?(messageId: string): void;
}

/** What the source finds: seats come and go while the program runs. */
export interface SeatHandlers {
  /** A new login, or one remembered. */
  onSeat(seat: BotSeat): void;
  /** Signed out for good: resolves when its bot has stopped. */
  onSeatGone(name: string): Promise<void>;
  /** Somebody has to scan this. */
  onLoginCode(code: string): Promise<void>;
}

/** Where the bots of the adapter come from. */
export interface BotSource {
  /** What this carrier allows; `groups: false` where there are no groups. */
  readonly capabilities: ChatCapabilities;
  /** Resolves once it looks for seats; keeps on trying by itself after later failures. */
  start(handlers: SeatHandlers): Promise<void>;
  stop(): Promise<void>;
  /**
   * Whether this person had a seat before, perhaps in an earlier process: scanning again brings it
   * back. Missing where people have no seats of their own.
   */
  knows?(personId: string): Promise<boolean>;
  /** Nobody is signed in, and only a person can help. Missing where there is always a seat. */
  readonly isWaitingForLogin?: boolean;
  /** `null` when it works; else one sentence for operators that says what is wrong. */
  readonly problem: string | null;
}
