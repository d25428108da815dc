import type { AdminCommandName } from "../commands/command-names.ts";
import type { AmountText } from "./amount-text.ts";

/** The texts of what admins do and hear of. */
export interface AdminTexts {
  /** One line a command: what it does, for menus and /help. */
  readonly adminCommands: Readonly<Record<AdminCommandName, string>>;
  adminHelp(commands: string): string;
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
