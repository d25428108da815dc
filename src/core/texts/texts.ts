import type { LotKind, Unit } from "../billing/lot.ts";
import type { PersonCommandName } from "../commands/command-names.ts";
import type { ErrorDetails, UserErrorCode } from "../errors.ts";
import type { FreeReason } from "../reply-store.ts";
import type { AdminTexts } from "./admin-texts.ts";
import type { AmountText } from "./amount-text.ts";
import type { LinkTexts } from "./link-texts.ts";

export interface LotLine {
  readonly amount: AmountText;
  readonly kind: LotKind;
  /** `null`: it never ends. */
  readonly validUntil: string | null;
  readonly models: readonly string[] | null;
}

export interface ReceiptLine {
  readonly modelAsked: string;
  readonly modelAnswered: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: AmountText;
  readonly freeReason: FreeReason | null;
  readonly left: AmountText;
}

export interface UsageLine extends Omit<ReceiptLine, "left"> {
  readonly at: string;
}

/** Why an answer did not come or stopped, as the person reads it. */
export type FailureCode =
  | "upstream_unavailable"
  | "upstream_cut"
  | "upstream_rejected"
  | "filtered"
  | "empty_answer"
  | "length_reached"
  | "insufficient_credit"
  | "model_not_available"
  | "waited_too_long"
  | "internal";

/**
 * Every sentence a person can read, in one language. Texts are Markdown; what comes from people
 * is escaped by the caller. A language is an object of this type, so a missing text does not
 * compile.
 */
export interface Texts extends AdminTexts {
  readonly languageName: string;
  readonly errors: Readonly<Record<UserErrorCode, (details: ErrorDetails) => string>>;
  readonly failures: Readonly<Record<FailureCode, string>>;
  readonly freeReasons: Readonly<Record<FreeReason, string>>;
  readonly lotKinds: Readonly<Record<LotKind, string>>;
  amount(unit: Unit, text: string, currency: string): AmountText;
  /** One line a command: what it does, for menus and /help. */
  readonly commands: Readonly<Record<PersonCommandName, string>>;
  /** How a command is written, e.g. "/redeem CODE [CODE …]". */
  readonly buttons: { readonly stop: string; readonly retry: string; readonly new: string };
  readonly placeholder: string;
  welcome(details: { trialMessages: number; isNew: boolean }): string;
  help(details: { commands: string; models: string }): string;
  readonly howToTopUp: string;
  receipt(line: ReceiptLine): string;
  readonly slowAnswer: string;
  readonly cutAnswer: string;
  readonly stoppedAnswer: string;
  /** For who sends a transfer or a red packet, which nobody can take. */
  readonly moneyMessageAnswer: string;
  /** The answer is not ready; any message fetches it. */
  readonly stillWorking: string;
  /** Greets people before they wrote anything, without formatting. */
  readonly plainWelcome: string;
  /** Of buttons below a chat; 16 bytes each. */
  readonly menuLabels: Readonly<Record<"newChat" | "account" | "balance" | "buy" | "help", string>>;
  /** Ends a message when the platform takes no more; `page` shows the whole answer. */
  restWaits(page: string | null): string;
  balance(details: {
    credit: AmountText;
    messages: AmountText;
    lots: readonly LotLine[];
    today: { requests: number; cost: AmountText };
  }): string;
  usage(lines: readonly UsageLine[]): string;
  receiptSwitched(isOn: boolean): string;
  redeemed(details: {
    amount: AmountText;
    validUntil: string | null;
    isExtended: boolean;
    code: string;
  }): string;
  redeemAlreadyYours(code: string): string;
  redeemTypo(code: string): string;
  redeemInvalid(code: string): string;
  redeemLimit(code: string): string;
  redeemLocked(until: string): string;
  readonly link: LinkTexts;
  readonly redeemAskPrivate: string;
  readonly redeemDoneInGroup: string;
  readonly redeemDeleteYourself: string;
  readonly privateOnly: string;
  readonly sentInPrivate: string;
  models(lines: readonly { name: string; price: string; isChosen: boolean }[]): string;
  modelPrice(details: {
    input: string;
    output: string;
    messages: number | null;
    currency: string;
  }): string;
  modelChosen(name: string, price: string): string;
  roles(lines: readonly { name: string; title: string; isChosen: boolean }[]): string;
  roleChosen(title: string): string;
  languages(lines: readonly { code: string; name: string; isChosen: boolean }[]): string;
  languageChosen(name: string): string;
  readonly newConversation: string;
  history(
    lines: readonly { number: number; title: string; at: string; isCurrent: boolean }[],
  ): string;
  readonly historyEmpty: string;
  readonly untitled: string;
  resumed(title: string): string;
  stopped(count: number): string;
  readonly nothingToStop: string;
  readonly stopping: string;
  readonly notYourButton: string;
  readonly editTooLate: string;
  readonly editMerged: string;
}
