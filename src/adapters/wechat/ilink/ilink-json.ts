/** What a reviver is told beside key and value. https://tc39.es/proposal-json-parse-with-source/ */
type SourceReviver = (
  key: string,
  value: unknown,
  context: { readonly source?: string },
) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: SourceReviver) => unknown;

/**
 * Parses what iLink answers. Its ids are uint64 and stand in the JSON as bare numbers, so whatever
 * integer a double cannot hold becomes the string of its digits. Throws `SyntaxError`.
 */
export function parseIlinkJson(text: string): unknown {
  return parseWithSource(text, (_key, value, { source }) => {
    const isLost = typeof value === "number" && Number.isInteger(value) && !isExact(value);
    return isLost && source !== undefined && DIGITS.test(source) ? source : value;
  });
}

const DIGITS = /^-?\d+$/;

function isExact(value: number): boolean {
  return Number.isSafeInteger(value);
}
