/** How the service treats conversations; the part `chat` of the configuration. */
export interface ChatSettings {
  /** How long to wait for further short messages that belong to the same question; 0 for not. */
  readonly burstMs: number;
  readonly runningRepliesMax: number;
  /** Questions of one account that may wait or run at once. */
  readonly openRepliesMax: number;
  readonly receipt: boolean;
  /** Who shares a context in a group: each person has their own, or all in the chat one. */
  readonly groupContext: "person" | "chat";
  /** Longest question, in UTF-16 code units, attached text included. */
  readonly questionLengthMax: number;
  /** Longest prompt we send, whatever the model could take: a long history is paid anew each time. */
  readonly contextTokensMax: number;
  readonly questionsPerMinuteMax: number;
  readonly commandsPerMinuteMax: number;
  readonly attachmentBytesMax: number;
  readonly trialMessages: number;
  /** An answer whose first word takes longer is free; `null` promises nothing. */
  readonly slowAnswerFreeAfterMs: number | null;
  readonly defaultLocale: string;
  /** Where cards are sold, in the operator's words, by locale; Markdown. */
  readonly topUp: Readonly<Record<string, string>>;
}
