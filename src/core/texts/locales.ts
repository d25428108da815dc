import { en } from "./en.ts";
import type { Texts } from "./texts.ts";
import { zh } from "./zh.ts";

/** The languages we speak, by code. A further one is one more object of type `Texts`. */
const TEXTS = { en, zh } as const satisfies Record<string, Texts>;

export type Locale = keyof typeof TEXTS;
export const LOCALES = Object.keys(TEXTS) as Locale[];
export const DEFAULT_LOCALE: Locale = "en";

export function textsFor(locale: string): Texts {
  return TEXTS[matchLocale(locale) ?? DEFAULT_LOCALE];
}

/** The language we speak that a BCP 47 tag asks for, e.g. "zh-Hans-CN" → "zh"; else `null`. */
export function matchLocale(tag: string | null): Locale | null {
  if (tag === null) return null;
  const wanted = tag.trim().toLowerCase();
  const exact = LOCALES.find((locale) => locale.toLowerCase() === wanted);
  const language = wanted.split(/[-_]/)[0] ?? "";
  return exact ?? LOCALES.find((locale) => locale.toLowerCase().split("-")[0] === language) ?? null;
}
