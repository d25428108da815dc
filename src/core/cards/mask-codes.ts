import { isCode, maskCode, normaliseCode } from "./card-code.ts";

const REDEEM = /^(\s*[/／]redeem(?:@\w+)?\s+)([\s\S]+)$/iu;
/** A code with a dash or space after every symbol is shorter than this. */
const CODE_LENGTH_MIN = 24;

/** Hides card codes in a text that will be kept or shown to others: what follows /redeem, and codes. */
export function maskCodes(text: string): string {
  const [, command, codes] = REDEEM.exec(text) ?? [];
  if (command !== undefined && codes !== undefined) return `${command}${mask(codes)}`;
  return text.length >= CODE_LENGTH_MIN && isCode(normaliseCode(text)) ? mask(text) : text;
}

function mask(codes: string): string {
  const code = normaliseCode(codes);
  return isCode(code) ? maskCode(code) : "…";
}
