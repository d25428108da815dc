/** What is said about joining chats to one account and taking them apart. */
export interface LinkTexts {
  /** `picture`: the address of a QR code that does the same in WeChat; `null` when there is none. */
  code(details: { code: string; minutes: number; picture: string | null }): string;
  /** To somebody with an account who scanned the code. */
  confirmScan(code: string): string;
  /** `chats` names all that share the account now. */
  linked(details: { chats: readonly string[]; balance: string }): string;
  /** To the other chats of the account. */
  linkedNotice(chat: string): string;
  /** `chats` names those that keep the credit. */
  unlinked(chats: readonly string[]): string;
  unlinkedNotice(chat: string): string;
}
