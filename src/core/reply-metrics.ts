/** What is counted about replies. Labels have few values: never an account or a message. */
export interface ReplyMetrics {
  replyFinished(event: {
    readonly platform: string;
    readonly model: string;
    /** A state or a failure code. */
    readonly outcome: string;
    readonly firstWordMs: number | null;
    readonly usageClamped: boolean;
  }): void;
  replyDelivered(event: { readonly platform: string; readonly lagMs: number }): void;
  messageReceived(event: {
    readonly platform: string;
    readonly kind: "question" | "command";
  }): void;
}
