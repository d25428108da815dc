const FENCE = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})/;
/** An escaped character, a run of backticks, the start of an HTML tag, the start of a picture. */
const SPECIAL = /\\[\s\S]|`+|<(?=[a-z/!?])|!\[/gi;

/**
 * Markdown from a language model, fit for Telegram's rich messages: there HTML becomes buttons,
 * maps and media, and pictures are fetched by Telegram. Outside code, HTML is shown as text and
 * pictures become links.
 * https://core.telegram.org/bots/api#rich-message-formatting-options
 */
export function toRichMarkdown(markdown: string): string {
  const parts: string[] = [];
  let paragraph: string[] = [];
  let fence: string | null = null;
  const endParagraph = (): void => {
    if (paragraph.length > 0) parts.push(neutralize(paragraph.join("\n")));
    paragraph = [];
  };
  for (const line of markdown.split("\n")) {
    const mark = FENCE.exec(line)?.[1];
    const isText: boolean = fence === null && mark === undefined && line.trim() !== "";
    if (isText) {
      paragraph.push(line);
      continue;
    }
    endParagraph();
    parts.push(line);
    if (fence === null) fence = mark ?? null;
    else if (mark?.startsWith(fence) === true && line.trimEnd().endsWith(mark)) fence = null;
  }
  endParagraph();
  return parts.join("\n");
}

/** Of one paragraph; code spans and what is escaped already are left as they are. */
function neutralize(paragraph: string): string {
  let result = "";
  let at = 0;
  SPECIAL.lastIndex = 0;
  for (let found = SPECIAL.exec(paragraph); found !== null; found = SPECIAL.exec(paragraph)) {
    const [special] = found;
    let end = found.index + special.length;
    // Backticks without a partner are ordinary characters.
    if (special.startsWith("`")) end = findCodeEnd(paragraph, end, special.length) ?? end;
    result += paragraph.slice(at, found.index);
    if (special === "<") result += "\\<";
    else if (special === "![") result += "[";
    else result += paragraph.slice(found.index, end);
    at = end;
    SPECIAL.lastIndex = end;
  }
  return result + paragraph.slice(at);
}

function findCodeEnd(text: string, from: number, ticks: number): number | null {
  const runs = /`+/g;
  runs.lastIndex = from;
  for (let run = runs.exec(text); run !== null; run = runs.exec(text)) {
    if (run[0].length === ticks) return run.index + ticks;
  }
  return null;
}
