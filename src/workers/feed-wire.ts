export type FeedChannel = "progress" | "stop";

export interface FeedMessage {
  readonly channel: FeedChannel;
  readonly payload: string;
}

/** What carries a feed from process to process. Lossy: what cannot be sent now is dropped. */
export interface FeedWire {
  /** Longest payload in bytes of UTF-8. */
  readonly payloadBytesMax: number;
  /** Connects, and keeps reconnecting by itself. Resolves when it listens or after a few seconds. */
  start(onMessage: (message: FeedMessage) => void): Promise<void>;
  /** Sends in this order. May throw. */
  send(messages: readonly FeedMessage[]): Promise<void>;
  stop(): Promise<void>;
}
