import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { type CardPepper, CODE_LENGTH, isCode, maskCode, normaliseCode } from "./card-code.ts";
import type { CardStore, Redeemer, RedeemOutcome } from "./card-store.ts";

/** Old cards live on after one change of the pepper. */
const PEPPERS_TRIED_MAX = 2;
const CODES_MAX = 100;
const TEXT_LENGTH_MAX = 8_192;
/** A word this long is a mistyped code of its own; shorter ones are pieces of one. */
const CODE_LIKE_LENGTH = 20;
/** How long an unknown account waits for each answer while somebody seems to be guessing. */
const STORM_PAUSE_MS = 3_000;

/** What came of one of the codes in a message. */
export interface RedeemReport {
  /** The code as it may be shown, e.g. "DKA7…7YJW". */
  readonly code: string;
  readonly outcome: RedeemOutcome;
}

export interface RedeemCardsParts {
  readonly cards: CardStore;
  /** Newest first. */
  readonly peppers: readonly CardPepper[];
  readonly clock: Clock;
  /** Somebody seems to be guessing codes with many accounts; called once a window. */
  readonly onStorm: (guesses: number) => void;
}

/**
 * Redeems recharge cards. Giving the same code twice is giving it once.
 *
 * One stranger's wrong guesses lock nobody else out: they count for the stranger's identity and
 * account only. When everybody's together look like an attack, operators are told, and accounts
 * that never redeemed or paid wait a moment for their answer; nobody is refused.
 */
export class RedeemCards {
  readonly #parts: RedeemCardsParts;

  constructor(parts: RedeemCardsParts) {
    this.#parts = parts;
  }

  /**
   * Tries every code in `text`, in order: several codes, or one written with spaces. Empty when it
   * holds nothing that could be one. Throws `UserError("message_too_long")`.
   */
  async redeem(redeemer: Redeemer, text: string): Promise<RedeemReport[]> {
    const codes = readCodes(text);
    if (codes.length === 0) return [];
    const pauseMs = await this.#pauseMs(redeemer.accountId);
    const reports: RedeemReport[] = [];
    let outcome: RedeemOutcome | null = null;
    for (const code of codes) {
      // A lock holds for the rest of the message too, so the store is not asked again.
      if (outcome?.status !== "locked") {
        if (pauseMs > 0) await this.#parts.clock.sleep(pauseMs);
        outcome = await this.#try(redeemer, code);
      }
      reports.push({ code: maskCode(code), outcome });
    }
    return reports;
  }

  async #try(redeemer: Redeemer, code: string): Promise<RedeemOutcome> {
    const { cards, peppers, onStorm } = this.#parts;
    const hmacs = isCode(code)
      ? peppers.slice(0, PEPPERS_TRIED_MAX).map((pepper) => pepper.hmac(code))
      : [];
    const { outcome, startsStorm } = await cards.redeem(redeemer, hmacs);
    if (startsStorm) onStorm((await cards.readPressure(redeemer.accountId)).guesses);
    return outcome;
  }

  async #pauseMs(accountId: string): Promise<number> {
    const { isStorm, isKnown } = await this.#parts.cards.readPressure(accountId);
    return isStorm && !isKnown ? STORM_PAUSE_MS : 0;
  }
}

/**
 * The codes in a text, in normal form and each once: first every run of words that makes a
 * well-formed code; what remains between them is mistyped. Beside a well-formed code a few stray
 * words are only words.
 */
function readCodes(text: string): string[] {
  if (text.length > TEXT_LENGTH_MAX) tooLong(text);
  const words = splitWords(text);
  const codes: string[] = [];
  let rest: string[] = [];
  for (let start = 0; start < words.length; ) {
    const count = wordsOfCode(words, start);
    if (count > 0) {
      codes.push(...mistypedCodes(rest), words.slice(start, start + count).join(""));
      rest = [];
      start += count;
    } else {
      rest.push(words[start] ?? "");
      start += 1;
    }
  }
  codes.push(...mistypedCodes(rest));
  const meant = codes.some(isCode)
    ? codes.filter((code) => code.length >= CODE_LIKE_LENGTH)
    : codes;
  const unique = [...new Set(meant)];
  return unique.length > CODES_MAX ? tooLong(text) : unique;
}

/** What stands around codes, such as "卡密：" or quotes, is left out. */
function splitWords(text: string): string[] {
  return text
    .normalize("NFKC")
    .split(/[\s,;:!?"'`“”‘’«»()[\]{}<>【】「」『』、|║/\\=]+|-{2,}/u)
    .map(normaliseCode)
    .map((word) => word.replace(/[^0-9A-Z]/g, ""))
    .filter((word) => word !== "");
}

/** How many words from `start` on make a well-formed code together; 0 when none do. */
function wordsOfCode(words: readonly string[], start: number): number {
  let code = "";
  for (let end = start; end < words.length && code.length < CODE_LENGTH; end += 1) {
    code += words[end];
    if (isCode(code)) return end - start + 1;
  }
  return 0;
}

function mistypedCodes(words: readonly string[]): string[] {
  const codes: string[] = [];
  let pieces = "";
  for (const word of words) {
    if (word.length < CODE_LIKE_LENGTH) {
      pieces += word;
    } else {
      if (pieces !== "") codes.push(pieces);
      codes.push(word);
      pieces = "";
    }
  }
  if (pieces !== "") codes.push(pieces);
  return codes;
}

function tooLong(text: string): never {
  throw new UserError("message_too_long", { length: text.length, lengthMax: TEXT_LENGTH_MAX });
}
