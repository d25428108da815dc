import { loadO200kCounter } from "../../src/upstreams/o200k-ranks.ts";

/** A tokenizer to measure. */
export interface Tokenizer {
  count(text: string): number;
  /** The part of a text it is measured on: less than 1 where the whole would take minutes. */
  readonly share: number;
}

export type TokenizerName = keyof typeof LOADERS;

const LOADERS = {
  dianka: loadDianka,
  "js-tiktoken": loadJsTiktoken,
  "gpt-tokenizer": loadGptTokenizer,
  "tiktoken (WASM)": loadTiktoken,
};

export const TOKENIZER_NAMES = Object.keys(LOADERS) as TokenizerName[];

export function loadTokenizer(name: TokenizerName): Promise<Tokenizer> {
  return LOADERS[name]();
}

async function loadDianka(): Promise<Tokenizer> {
  const counter = await loadO200kCounter();
  return { share: 1, count: (text) => counter.count(text) };
}

async function loadJsTiktoken(): Promise<Tokenizer> {
  const { Tiktoken } = await import("js-tiktoken/lite");
  const { default: o200k } = await import("js-tiktoken/ranks/o200k_base");
  const tokenizer = new Tiktoken(o200k);
  return { share: 0.1, count: (text) => tokenizer.encode(text, [], []).length };
}

async function loadGptTokenizer(): Promise<Tokenizer> {
  const { countTokens } = await import("gpt-tokenizer/encoding/o200k_base");
  const options = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
  return { share: 1, count: (text) => countTokens(text, options) };
}

async function loadTiktoken(): Promise<Tokenizer> {
  const { get_encoding } = await import("tiktoken");
  const encoding = get_encoding("o200k_base");
  return { share: 1, count: (text) => encoding.encode(text, [], []).length };
}
