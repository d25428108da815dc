const HASH_COMMENTS =
  /^(py|python|sh|bash|zsh|shell|console|rb|ruby|yaml|yml|toml|ini|r|perl|pl|dockerfile|makefile|nix|elixir|conf)$/;
const DASH_COMMENTS = /^(sql|lua|haskell|hs|ada|elm)$/;
const TAG_LANGUAGES = /^(html|xml|svg|vue)$/;
const PLAIN = /^(|text|txt|plain|plaintext|markdown|md|diff|log|output|math|latex|tex)$/;
const LENGTH_MAX = 30_000;

const STRINGS = [
  String.raw`"(?:\\.|[^"\\\n])*"?`,
  String.raw`'(?:\\.|[^'\\\n])*'?`,
  "`(?:\\\\.|[^`\\\\])*`?",
].join("|");
const NUMBERS = String.raw`\b(?:0x[\da-f]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)\b`;
const KEYWORDS =
  "abstract and as async await break case catch class const continue def default defer delete do elif else elseif end enum except export extends extern false finally fn for foreach from func function go if impl implements import in instanceof interface is lambda let local loop match mod module mut new nil none not null of or package pass private protected pub public raise return self static struct super switch then this throw throws trait true try type typeof union unless until use using val var void where while with yield";
const SQL_KEYWORDS =
  "all alter and as asc begin between by case create cross delete desc distinct drop else end exists from full group having in index inner insert into is join key left like limit not null offset on or order outer primary returning right select set table then union unique update values view when where with";

/** Gives the text of a finished code block colours: comments, strings, numbers, keywords. */
export function highlight(element, language) {
  const source = element.textContent;
  if (PLAIN.test(language) || source.length > LENGTH_MAX) return;
  const pattern = patternFor(language);
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of source.matchAll(pattern)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    fragment.append(source.slice(end, match.index));
    const span = document.createElement("span");
    span.className = `hl-${kind}`;
    span.textContent = match[0];
    fragment.append(span);
    end = match.index + match[0].length;
  }
  fragment.append(source.slice(end));
  element.replaceChildren(fragment);
}

function patternFor(language) {
  if (TAG_LANGUAGES.test(language)) {
    return /(?<comment><!--[\s\S]*?-->)|(?<keyword><\/?[\w:-]+|\/?>)|(?<string>"[^"]*"|'[^']*')/g;
  }
  let comment = String.raw`//[^\n]*|/\*[\s\S]*?(?:\*/|$)`;
  if (HASH_COMMENTS.test(language)) comment = "#[^\\n]*";
  if (DASH_COMMENTS.test(language)) comment = String.raw`--[^\n]*`;
  const strings = /^(py|python)$/.test(language)
    ? String.raw`"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|${STRINGS}`
    : STRINGS;
  const words = DASH_COMMENTS.test(language) ? `${KEYWORDS} ${SQL_KEYWORDS}` : KEYWORDS;
  const keyword = `\\b(?:${words.replaceAll(" ", "|")})\\b`;
  const flags = DASH_COMMENTS.test(language) ? "gi" : "g";
  return new RegExp(
    `(?<comment>${comment})|(?<string>${strings})|(?<number>${NUMBERS})|(?<keyword>${keyword})`,
    flags,
  );
}
