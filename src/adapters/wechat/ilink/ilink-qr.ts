/** A QR code as one SVG path in a square of `size` units, four units of quiet zone included. */
export interface QrShape {
  readonly size: number;
  readonly path: string;
}

// https://www.qrcode.com/en/howto/code.html: the quiet zone is four modules wide.
const QUIET_ZONE = 4;

/** Draws what a code says. */
export async function drawQr(code: string): Promise<QrShape> {
  const { create } = await import("qrcode");
  const { modules } = create(code, { errorCorrectionLevel: "M" });
  const runs: string[] = [];
  for (let row = 0; row < modules.size; row += 1) {
    for (let column = 0; column < modules.size; column += 1) {
      if (modules.get(row, column) === 0) continue;
      const start = column;
      while (column + 1 < modules.size && modules.get(row, column + 1) !== 0) column += 1;
      const width = column - start + 1;
      runs.push(`M${start + QUIET_ZONE} ${row + QUIET_ZONE}h${width}v1h-${width}z`);
    }
  }
  return { size: modules.size + 2 * QUIET_ZONE, path: runs.join("") };
}

/** Black on white in ANSI colours, whatever those of the terminal are. */
const BLACK_ON_WHITE = "\u001b[38;5;16;48;5;231m";
const RESET = "\u001b[0m";

/**
 * The same as lines of text for a terminal. Without colours it can only be scanned where the
 * terminal is light, or by who reads inverted codes too.
 */
export async function renderTerminalQr(code: string, hasColors: boolean): Promise<string> {
  const { default: library } = await import("qrcode");
  const text = await library.toString(code, { type: "utf8", errorCorrectionLevel: "L" });
  if (!hasColors) return text;
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => BLACK_ON_WHITE + line + RESET).join("\n");
}
