const SENTENCES = [
  "天地玄黄，宇宙洪荒，日月盈昃，辰宿列张。",
  "مرحبا بالعالم، هذه جملة طويلة من اليمين إلى اليسار.",
  "Emoji of every size: 🙂 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇳 and back to plain words.",
  "שלום עולם, זו שורה מימין לשמאל.",
  "A sentence with `code` inside, **bold words** and a number, 3.14.",
  "こんにちは世界、長い文章が続きます。",
] as const;
/** Longer than a message of most platforms, so that its block has to be cut. */
const LONG_BLOCK_LINES = 90;
const SHORT_BLOCK_LINES = 6;
/** Every so many paragraphs a block of code, and of these every third is a long one. */
const BLOCK_EVERY = 8;
const LONG_EVERY = 3;

/**
 * An answer in Markdown of at least that many characters: numbered words among Chinese, Arabic,
 * Hebrew, Japanese and emoji, and blocks of code. No two places of it are the same.
 */
export function longAnswer(lengthMin: number): string {
  const parts: string[] = [];
  let words = 0;
  const word = () => {
    words += 1;
    return `w${String(words).padStart(5, "0")}`;
  };
  for (let index = 1, length = 0; length < lengthMin; index += 1) {
    const isLong = index % (BLOCK_EVERY * LONG_EVERY) === 0;
    const part =
      index % BLOCK_EVERY === 0
        ? codeBlock(isLong ? LONG_BLOCK_LINES : SHORT_BLOCK_LINES, word)
        : `${word()} ${SENTENCES[index % SENTENCES.length]} ${word()} and ${word()}.`;
    parts.push(part);
    length += part.length + 2;
  }
  return parts.join("\n\n");
}

function codeBlock(lines: number, word: () => string): string {
  const code = Array.from({ length: lines }, (_, index) => {
    const name = word();
    return `${"  ".repeat(index % 3)}const ${name} = "${name} 值 🙂";`;
  });
  return ["```ts", ...code, "```"].join("\n");
}

/**
 * The letters, digits and emoji of a text and nothing else: what every platform has to show,
 * whatever it makes of the Markdown around them. Lines that open or close a block are repeated
 * where one is cut, so they do not count.
 */
export function lettersOf(text: string): string {
  const lines = text.split("\n").filter((line) => !isFence(line));
  return (lines.join("\n").match(/[\p{L}\p{N}\p{Extended_Pictographic}]/gu) ?? []).join("");
}

/** Every block that is opened in the text is closed in it. */
export function hasBalancedFences(text: string): boolean {
  return text.split("\n").filter(isFence).length % 2 === 0;
}

function isFence(line: string): boolean {
  return /^\s*```\S*\s*$/.test(line);
}
