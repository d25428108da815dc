/** An answer as its page shows it. */
export interface AnswerPage {
  /** Markdown. */
  readonly text: string;
  readonly locale: string;
}

/** Answers behind the links of `AnswerLinks`. */
export interface AnswerPages {
  /** `null` when the token is none of ours, or nothing is written yet. */
  read(token: string): Promise<AnswerPage | null>;
}
