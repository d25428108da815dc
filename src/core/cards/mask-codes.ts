import { CODE_LENGTH, isCode, maskCode, normaliseCode } from "./card-code.ts";

const REDEEM = /^(\s*[/／]redeem(?:@\w+)?\s+)([\s\S]+)$/iu;
/** A printed code falls into groups of this many symbols; only its last may be shorter. */
const GROUP_LENGTH = 4;
const WORD = /\S+/gu;

/** Hides card codes in a text that will be kept or shown to others: what follows /redeem, and codes. */
export function maskCodes(text: string): string {
  const [, command, codes] = REDEEM.exec(text) ?? [];
  if (command === undefined || codes === undefined) return hideCodes(text);
  const code = normaliseCode(codes);
  return `${command}${isCode(code) ? maskCode(code) : "…"}`;
}

/**
 * Hides every well-formed code in a text, in one word or in printed groups of four, so that a valid
 * one that somebody mentions is neither stored nor sent to a model. Ordinary words stay: a row of
 * them counts only where each but the last has four symbols and a digit is among them.
 */
export function hideCodes(text: string): string {
  const words = [...text.matchAll(WORD)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    code: normaliseCode(match[0].replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "")),
  }));
  let shown = "";
  let from = 0;
  for (let first = 0; first < words.length; first += 1) {
    const start = words[first];
    const found = start === undefined ? null : codeFrom(words, first);
    if (start === undefined || found === null) continue;
    const last = words[found.last];
    shown += text.slice(from, start.start) + maskCode(found.code);
    from = last?.end ?? start.end;
    first = found.last;
  }
  return shown + text.slice(from);
}

function codeFrom(
  words: readonly { readonly code: string }[],
  first: number,
): { code: string; last: number } | null {
  let code = "";
  for (let last = first; last < words.length; last += 1) {
    const word = words[last]?.code ?? "";
    code += word;
    if (code.length > CODE_LENGTH) return null;
    if (code.length === CODE_LENGTH) return /\d/.test(code) && isCode(code) ? { code, last } : null;
    if (word.length !== GROUP_LENGTH) return null;
  }
  return null;
}
