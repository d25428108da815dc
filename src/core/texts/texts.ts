import type { LotKind, Unit } from "../billing/lot.ts";
import type { AdminCommandName, PersonCommandName } from "../commands/command-names.ts";
import type { ErrorDetails, UserErrorCode } from "../errors.ts";
import type { FreeReason } from "../reply-store.ts";
import type { LinkTexts } from "./link-texts.ts";

/** An amount with its unit, already written out in the person's language. */
export type AmountText = string;

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
export interface Texts {
  readonly languageName: string;
  readonly errors: Readonly<Record<UserErrorCode, (details: ErrorDetails) => string>>;
  readonly failures: Readonly<Record<FailureCode, string>>;
  readonly freeReasons: Readonly<Record<FreeReason, string>>;
  readonly lotKinds: Readonly<Record<LotKind, string>>;
  amount(unit: Unit, text: string, currency: string): AmountText;
  /** One line a command: what it does, for menus and /help. */
  readonly commands: Readonly<Record<PersonCommandName, string>>;
  readonly adminCommands: Readonly<Record<AdminCommandName, string>>;
  /** How a command is written, e.g. "/redeem CODE [CODE …]". */
  readonly buttons: { readonly stop: string; readonly retry: string; readonly new: string };
  readonly placeholder: string;
  welcome(details: { trialMessages: number; isNew: boolean }): string;
  help(details: { commands: string; models: string }): string;
  adminHelp(commands: string): string;
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
  // Admin texts.
  granted(details: {
    user: string;
    amount: AmountText;
    validUntil: string | null;
    entry: string;
  }): string;
  grantReceived(details: { amount: AmountText; reason: string; validUntil: string | null }): string;
  batchCreated(details: {
    name: string;
    count: number;
    amount: AmountText;
    days: number;
    redeemUntil: string | null;
    perAccountMax: number | null;
    models: readonly string[] | null;
    sha256: string;
  }): string;
  readonly batchFileCaption: string;
  /** Its file could not be delivered. */
  batchLost(name: string): string;
  batchCutOff(name: string): string;
  batches(lines: readonly BatchLine[]): string;
  readonly batchesEmpty: string;
  batchChanged(name: string, state: "active" | "frozen" | "void", cardsChanged: number): string;
  user(details: UserDetails): string;
  banned(user: string, reason: string): string;
  unbanned(user: string): string;
  undone(details: { entry: string; user: string; amount: AmountText }): string;
  stats(details: StatsDetails): string;
  statsRows(title: string, rows: readonly string[]): string;
  upstreams(rows: readonly string[]): string;
  upstreamChanged(name: string, isEnabled: boolean): string;
  priceChanged(details: { model: string; before: string; after: string }): string;
  broadcastQueued(count: number): string;
  drained(isOn: boolean, running: number): string;
  /** The same for the other admin chats. */
  drainNews(details: { actor: string; isOn: boolean; running: number }): string;
  keyDead(name: string, reason: string): string;
  guessStorm(count: number): string;
  lowStock(details: { batch: string; left: number; count: number }): string;
  /** Most answers fail. */
  incidentBegan(details: { failed: number; ended: number; minutes: number }): string;
  incidentOver(minutes: number): string;
  linkStorm(count: number): string;
  /** Somebody has to scan a code on that page to connect a bot. */
  loginCode(platform: string, page: string): string;
}

/** What a batch of cards limits; `null`: nothing. */
export interface BatchTerms {
  readonly perAccountMax: number | null;
  readonly models: readonly string[] | null;
}

export interface BatchLine extends BatchTerms {
  readonly name: string;
  readonly state: string;
  readonly amount: AmountText;
  readonly days: number;
  readonly redeemUntil: string | null;
  readonly active: number;
  readonly redeemed: number;
  readonly void: number;
}

export interface UserDetails {
  readonly account: string;
  readonly identities: readonly string[];
  readonly since: string;
  readonly banReason: string | null;
  readonly credit: AmountText;
  readonly messages: AmountText;
  readonly held: AmountText;
  readonly month: { readonly requests: number; readonly cost: AmountText };
  readonly entries: readonly string[];
}

export interface StatsDetails {
  readonly period: string;
  readonly people: number;
  readonly newPeople: number;
  readonly requests: number;
  readonly answers: number;
  readonly stopped: number;
  readonly failures: number;
  readonly freeAnswers: number;
  readonly inputTokens: string;
  readonly outputTokens: string;
  readonly revenue: AmountText;
  readonly messages: AmountText;
  readonly upstreamCost: AmountText;
  readonly margin: AmountText;
  readonly refunds: AmountText;
  readonly cardsRedeemed: number;
  readonly firstWord: string;
  readonly answerTime: string;
}

/** The part of the texts that only admins read. */
export type AdminTexts = Pick<
  Texts,
  | "adminCommands"
  | "adminHelp"
  | "granted"
  | "grantReceived"
  | "batchCreated"
  | "batchFileCaption"
  | "batchLost"
  | "batchCutOff"
  | "batches"
  | "batchesEmpty"
  | "batchChanged"
  | "user"
  | "banned"
  | "unbanned"
  | "undone"
  | "stats"
  | "statsRows"
  | "upstreams"
  | "upstreamChanged"
  | "priceChanged"
  | "broadcastQueued"
  | "drained"
  | "drainNews"
  | "keyDead"
  | "guessStorm"
  | "lowStock"
  | "incidentBegan"
  | "incidentOver"
  | "linkStorm"
  | "loginCode"
>;
