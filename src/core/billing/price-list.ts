import assert from "node:assert";
import type { TokenUsage } from "../upstream/upstream.ts";
import { type Micros, micros } from "./micros.ts";

const TOKENS_PER_PRICE = 1_000_000n;

/** What a model costs: micros per million tokens, or messages. */
export interface ModelPrice {
  readonly input: bigint;
  /** For the part of the input that the upstream read from its cache. */
  readonly cachedInput: bigint;
  readonly output: bigint;
  /** Messages an answer costs; `null` when it cannot be paid in messages. */
  readonly messageCost: bigint | null;
}

/** The cost of what was used. Rounded once a request, upward, over the sum of its parts. */
export function chargeOf(usage: TokenUsage, price: ModelPrice): Micros {
  const cached = tokens(usage.cachedTokens);
  const fresh = tokens(usage.inputTokens) - cached;
  assert(fresh >= 0n, "more cached tokens than input");
  return roundUp(
    fresh * price.input + cached * price.cachedInput + tokens(usage.outputTokens) * price.output,
  );
}

/** The most an answer can cost: no token read from a cache, or all, whichever is dearer. */
export function holdOf(inputTokens: number, outputTokensMax: number, price: ModelPrice): Micros {
  return roundUp(
    tokens(inputTokens) * dearestInput(price) + tokens(outputTokensMax) * price.output,
  );
}

/**
 * How long an answer may be so that its hold is at most `creditAmount`: the inverse of `holdOf`.
 * 0 when not even the input is covered; the largest safe integer when words are free.
 */
export function outputTokensCovered(
  creditAmount: bigint,
  inputTokens: number,
  price: ModelPrice,
): number {
  const left = creditAmount * TOKENS_PER_PRICE - tokens(inputTokens) * dearestInput(price);
  if (left < 0n) return 0;
  if (price.output === 0n) return Number.MAX_SAFE_INTEGER;
  const covered = left / price.output;
  return covered > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(covered);
}

function dearestInput(price: ModelPrice): bigint {
  // Math.max knows no bigint.
  if (price.cachedInput > price.input) return price.cachedInput;
  return price.input;
}

function roundUp(parts: bigint): Micros {
  return micros((parts + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE);
}

function tokens(count: number): bigint {
  assert(Number.isSafeInteger(count) && count >= 0, "a token count is a whole number");
  return BigInt(count);
}
