import type { Random } from "./corpus.ts";

/** Texts of `length` UTF-16 code units that are hard on tokenizers, by name. */
export function createHostileTexts(length: number, random: Random): Map<string, string> {
  const fill = (make: () => string) => {
    const parts: string[] = [];
    for (let units = 0; units < length; units += parts.at(-1)?.length ?? 0) parts.push(make());
    return parts.join("").slice(0, length);
  };
  const oneOf = (characters: string) => {
    const list = [...characters];
    return () => list[random(list.length)] ?? "";
  };
  const between = (first: number, last: number) => () =>
    String.fromCodePoint(first + random(last - first + 1));
  return new Map([
    ["a", fill(() => "a")],
    ["A", fill(() => "A")],
    ["aA", fill(() => "aA")],
    ["spaces", fill(() => " ")],
    ["newlines", fill(() => "\n")],
    ["space, newline", fill(() => " \n")],
    ["mixed white space", fill(oneOf(" \t\r\n\u3000\u00a0\u2009"))],
    ["one CJK character", fill(() => "中")],
    ["CJK then capitals", `中${fill(() => "A").slice(1)}`],
    ["random common CJK", fill(oneOf("的一是不了人我在有他这为之大来以个中上们"))],
    ["random CJK", fill(between(0x4e00, 0x9fff))],
    ["random Hangul", fill(between(0xac00, 0xd7a3))],
    ["random letters", fill(between(0x61, 0x7a))],
    ["random a, b", fill(oneOf("ab"))],
    ["random capitals, small", fill(oneOf("aAbBcC"))],
    ["digits", fill(between(0x30, 0x39))],
    ["symbols", fill(oneOf("!?#$%&*+-=/\\<>|~^"))],
    ["one symbol", fill(() => "-")],
    ["runs of symbols", fill(() => oneOf("-=*/#_. ")().repeat(1 + random(200)))],
    ["short runs after a space", fill(() => ` ${"/".repeat(94)}`)],
    ["runs of spaces", fill(() => `${" ".repeat(1 + random(200))}x`)],
    ["letters of one word", fill(oneOf("contraindications"))],
    ["apostrophes", fill(() => "'")],
    ["contractions", fill(() => "x'll")],
    ["one emoji with joiners", fill(() => "👨‍👩‍👧‍👦")],
    ["random emoji", fill(between(0x1f300, 0x1f6ff))],
    ["combining marks", `e${fill(() => "\u0301").slice(1)}`],
    ["zero-width characters", fill(oneOf("\u200b\u200c\u200d\u2060\ufeff"))],
    ["lone surrogates", fill(() => "\ud800")],
    ["any UTF-16 code units", fill(() => String.fromCharCode(random(0x10000)))],
    ["any characters", fill(between(0x10000, 0x10ffff))],
    ["base64", fill(oneOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))],
  ]);
}
