import { setImmediate } from "node:timers/promises";
import {
  BytePairTokenCounter,
  type LoadTokenCounter,
  type TokenCounter,
} from "../core/upstream/token-counter.ts";
import { type RankedTokens, TokenIndex } from "../core/upstream/token-index.ts";

/** The sample is counted in so many parts, each of every so many tokens: some milliseconds a part. */
const WARM_UP_PARTS = 10;
const WARM_UP_STEP = 500;

let loading: Promise<TokenCounter> | null = null;

/**
 * Counts as o200k_base does, from the ranks that js-tiktoken ships. Nothing is read before the first
 * call; all calls share one counter. Throws when the ranks are not written as we know them.
 */
export const loadO200kCounter: LoadTokenCounter = () => {
  loading ??= loadO200k();
  return loading;
};

async function loadO200k(): Promise<TokenCounter> {
  const { default: o200k } = await import("js-tiktoken/ranks/o200k_base");
  const tokens = decodeRanks(o200k.bpe_ranks);
  const building = TokenIndex.build(tokens);
  for (;;) {
    // Some 50 ms of work in all, which running streams must not wait for in one go.
    await setImmediate();
    const step = building.next();
    if (step.done) return warmUp(new BytePairTokenCounter(step.value), tokens);
  }
}

/**
 * Counts a sample of all scripts, which is the vocabulary itself. The engine compiles what runs often:
 * without this a first long message would block two to four times as long as a later one.
 */
async function warmUp(counter: TokenCounter, { bytes, ends }: RankedTokens): Promise<TokenCounter> {
  const { buffer, byteOffset } = bytes;
  for (let first = 0; first < WARM_UP_PARTS; first++) {
    const parts: string[] = [];
    for (let token = first + 256; token < ends.length; token += WARM_UP_STEP) {
      const start = ends[token - 1] as number;
      const length = (ends[token] as number) - start;
      parts.push(Buffer.from(buffer, byteOffset + start, length).toString("utf8"));
    }
    await setImmediate();
    counter.count(parts.join(""));
  }
  return counter;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FIRST_LINE = "! 0 ";
const SPACE = 0x20;
const PADDING = 0x3d;

/**
 * Reads the ranks of js-tiktoken: "! 0 ", then every token in base64 in the order of its rank,
 * separated by spaces. By hand, because a call for each of 200 000 tokens takes three times as long.
 */
export function decodeRanks(ranks: string): RankedTokens {
  if (!ranks.startsWith(FIRST_LINE) || ranks.includes("\n")) {
    throw new Error("js-tiktoken's ranks are not one line from rank 0");
  }
  const sextets = new Uint8Array(256);
  for (let i = 0; i < ALPHABET.length; i++) sextets[ALPHABET.charCodeAt(i)] = i;
  const text = Buffer.from(ranks, "latin1");
  const bytes = new Uint8Array(text.length);
  const ends = new Uint32Array(text.length >> 2);
  let length = 0;
  let count = 0;
  for (let at = FIRST_LINE.length; at < text.length; at++) {
    for (; at < text.length && text[at] !== SPACE; at += 4) {
      let group = 0;
      for (let i = at; i < at + 4; i++) {
        group = (group << 6) | (sextets[text[i] as number] as number);
      }
      bytes[length] = group >> 16;
      bytes[length + 1] = group >> 8;
      bytes[length + 2] = group;
      length += text[at + 3] !== PADDING ? 3 : text[at + 2] !== PADDING ? 2 : 1;
    }
    ends[count] = length;
    count += 1;
  }
  return { bytes: bytes.slice(0, length), ends: ends.slice(0, count) };
}
