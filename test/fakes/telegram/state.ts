import type { RateModel } from "./rate-model.ts";
import type { UpdateQueue } from "./update-queue.ts";
import type { WebhookSender } from "./webhook-sender.ts";
import type { World } from "./world.ts";

export interface PressState {
  readonly id: string;
  readonly at: number;
  readonly answered: PromiseWithResolvers<string | null>;
  isOpen: boolean;
}

export interface RecordedCall {
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly at: number;
  /** The error code, or 200; 0 when the connection was cut. */
  code: number;
}

/** What the next call of a method gets instead of its answer. */
export interface Fault {
  /** An error with that code … */
  readonly code?: number;
  readonly description?: string;
  readonly retryAfter?: number;
  /** … or a connection that breaks, before or after the call has been carried out. */
  readonly cut?: "before" | "afterwards";
}

/** What can be switched while the server runs. */
export interface Settings {
  /** Whether `sendRichMessage` exists: it came with Bot API 10.1. */
  richMessages: boolean;
  /** Whether the bot hears in groups only what is meant for it. */
  privacy: boolean;
  rateLimits: boolean;
  /** Topics in private chats. */
  topics: boolean;
}

/** Everything the methods of the Bot API work on. */
export interface ServerState {
  readonly world: World;
  readonly queue: UpdateQueue;
  readonly webhook: WebhookSender;
  readonly rates: RateModel;
  readonly settings: Settings;
  readonly files: Map<string, { readonly path: string; readonly content: Buffer }>;
  readonly presses: Map<string, PressState>;
  readonly commands: Map<string, readonly unknown[]>;
  readonly chatActions: { readonly chatId: number; readonly action: string; readonly at: number }[];
  now(): number;
}
