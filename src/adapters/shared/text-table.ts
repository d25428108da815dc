import type { Tokens } from "marked";

const COLUMN_GAP = " │ ";
const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303f\uff00-\uff60]/u;

/** Draws a table with characters of one width. Chinese and the like take two columns each. */
export function alignTable(
  table: Tokens.Table,
  toText: (cell: Tokens.TableCell) => string,
): string {
  const rows = [table.header, ...table.rows].map((row) => row.map(toText));
  const widths = table.header.map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ""))),
  );
  const lines = rows.map((row) =>
    widths
      .map((width, column) => pad(row[column] ?? "", width, table.align[column] ?? null))
      .join(COLUMN_GAP)
      .trimEnd(),
  );
  const rule = widths.map((width) => "─".repeat(width)).join("─┼─");
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function pad(text: string, width: number, align: Tokens.TableCell["align"]): string {
  const missing = Math.max(width - displayWidth(text), 0);
  const before = align === "right" ? missing : align === "center" ? Math.floor(missing / 2) : 0;
  return " ".repeat(before) + text + " ".repeat(missing - before);
}

function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}
