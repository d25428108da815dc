import { highlight } from "./highlight.js";
import { copyText } from "./page-elements.js";
import { text } from "./texts.js";
import { Marked } from "./vendor/marked.js";
import DOMPurify from "./vendor/purify.js";

const RENDERED_SHARE = 4;
const LINK_DEFINITION = /^ {0,3}\[[^\]]+\]:\s/m;
const DIRECTED = "p,h1,h2,h3,h4,h5,h6,th,td,blockquote,summary";

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // What looks like HTML in an answer is meant to be read, except line breaks in tables.
    html: ({ text: html }) => (/^<br\s*\/?>$/i.test(html.trim()) ? "<br>" : escapeHtml(html)),
    // A picture from elsewhere would tell its server who reads this.
    image: ({ href, text: label }) =>
      `<a href="${escapeHtml(href)}">${escapeHtml(label || href)}</a>`,
  },
});

const PURIFY = {
  ALLOWED_TAGS:
    "a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr i input li ol p pre s span strong sub sup table tbody td th thead tr ul".split(
      " ",
    ),
  ALLOWED_ATTR: ["href", "class", "align", "start", "type", "checked", "disabled"],
  RETURN_DOM_FRAGMENT: true,
};

/**
 * Markdown that may still grow. Blocks that did not change stay as they are; of a growing text
 * that is all but the last one, so the work for a piece does not depend on what came before.
 */
export class MarkdownView {
  #element;
  #source = "";
  #isFinal = true;
  /** One per block of the text: its source with the empty lines after it, and where it is shown. */
  #blocks = [];
  #frame = 0;
  #notBeforeMs = 0;

  constructor(element) {
    this.#element = element;
  }

  set(source, isFinal) {
    const hasChanged = source !== this.#source || isFinal !== this.#isFinal;
    this.#source = source.replaceAll("\r\n", "\n");
    this.#isFinal = isFinal;
    if (!hasChanged) return;
    if (isFinal) {
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      this.#render();
    } else if (this.#frame === 0) {
      this.#frame = requestAnimationFrame((timeMs) => this.#onFrame(timeMs));
    }
  }

  #onFrame(timeMs) {
    if (timeMs < this.#notBeforeMs) {
      this.#frame = requestAnimationFrame((later) => this.#onFrame(later));
      return;
    }
    this.#frame = 0;
    const startedMs = performance.now();
    this.#render();
    // A text so long that it takes longer than a frame leaves time for everything else.
    const tookMs = performance.now() - startedMs;
    if (tookMs > 8) this.#notBeforeMs = timeMs + tookMs * RENDERED_SHARE;
  }

  #render() {
    // Such a line can change any link of the text; it is rare, and only the end has them all.
    if (this.#isFinal && LINK_DEFINITION.test(this.#source)) this.#clear();
    const kept = this.#countUnchanged();
    const offset = this.#blocks.slice(0, kept).reduce((sum, block) => sum + block.raw.length, 0);
    const blocks = toBlocks(this.#source.slice(offset));
    const isComplete = (index) => this.#isFinal || index < blocks.length - 1;
    for (const [index, block] of blocks.entries()) {
      const former = this.#blocks[kept + index];
      block.isComplete = isComplete(index);
      block.element = former?.element ?? this.#addElement();
      if (former?.raw !== block.raw || former.isComplete !== block.isComplete) {
        showBlock(block, former);
      }
    }
    for (const extra of this.#blocks.splice(kept + blocks.length)) extra.element.remove();
    this.#blocks.splice(kept, blocks.length, ...blocks);
  }

  #clear() {
    this.#blocks = [];
    this.#element.replaceChildren();
  }

  #addElement() {
    const element = document.createElement("div");
    element.className = "block";
    this.#element.append(element);
    return element;
  }

  #countUnchanged() {
    let kept = 0;
    let offset = 0;
    // The last block is always read again: what follows may belong to it.
    while (kept < this.#blocks.length - 1) {
      const { raw, isComplete } = this.#blocks[kept];
      if (!isComplete || !this.#source.startsWith(raw, offset)) break;
      offset += raw.length;
      kept += 1;
    }
    return kept;
  }
}

function toBlocks(source) {
  const tokens = marked.lexer(source);
  const blocks = [];
  let length = 0;
  for (const token of tokens) {
    length += token.raw.length;
    const last = blocks.at(-1);
    if (token.type === "space" && last !== undefined) last.raw += token.raw;
    else blocks.push({ raw: token.raw, token, links: tokens.links });
  }
  // Blocks are found again by their source, so they have to add up to it.
  if (length === source.length) return blocks;
  return [{ raw: source, token: null, links: tokens.links, tokens }];
}

function showBlock(block, former) {
  const { token, element } = block;
  // A long program is written into one text node as it grows.
  const code = former?.token?.type === "code" ? element.querySelector("code") : null;
  if (
    token?.type === "code" &&
    code !== null &&
    !former.isComplete &&
    former.token.lang === token.lang
  ) {
    code.textContent = `${token.text}\n`;
    if (block.isComplete) highlight(code, languageOf(token));
    return;
  }
  const tokens = Object.assign(token === null ? block.tokens : [token], { links: block.links });
  const fragment = DOMPurify.sanitize(marked.parser(tokens), PURIFY);
  for (const pre of fragment.querySelectorAll("pre")) frameCode(pre, token, block.isComplete);
  for (const line of fragment.querySelectorAll("p")) {
    if (/^— .* · /.test(line.textContent)) line.className = "receipt";
  }
  for (const table of fragment.querySelectorAll("table")) frameTable(table);
  for (const link of fragment.querySelectorAll("a")) {
    // Anything else leads nowhere, or into our own pages.
    if (!/^(https?:|mailto:)/i.test(link.getAttribute("href") ?? "")) {
      link.replaceWith(...link.childNodes);
      continue;
    }
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const directed of fragment.querySelectorAll(DIRECTED)) directed.dir = "auto";
  for (const list of fragment.querySelectorAll("ul, ol")) list.dir = directionOf(list.textContent);
  element.replaceChildren(fragment);
}

function frameCode(pre, token, isComplete) {
  const code = pre.querySelector("code") ?? pre;
  const language = token?.type === "code" ? languageOf(token) : classLanguage(code);
  const frame = document.createElement("div");
  frame.className = "code";
  const name = document.createElement("span");
  name.textContent = language || "text";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "ghost";
  copy.textContent = text("copy");
  copy.setAttribute("aria-label", text("copyCode"));
  copy.addEventListener("click", () => copyText(code.textContent, copy));
  const head = document.createElement("div");
  head.className = "code-head";
  head.append(name, copy);
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  pre.dir = "ltr";
  frame.append(head, pre);
  if (isComplete) highlight(code, language);
}

function frameTable(table) {
  const frame = document.createElement("div");
  frame.className = "table";
  frame.tabIndex = 0;
  table.replaceWith(frame);
  frame.append(table);
}

/** Of the first letter: a list has its marks on the side where its text begins. */
function directionOf(words) {
  const letter = /\p{L}/u.exec(words)?.[0] ?? "";
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(letter) ? "rtl" : "ltr";
}

function languageOf(token) {
  return (token.lang ?? "").trim().split(/\s/)[0].toLowerCase();
}

function classLanguage(code) {
  return /language-(\S+)/.exec(code.className)?.[1]?.toLowerCase() ?? "";
}

function escapeHtml(source) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return source.replace(/[&<>"']/g, (character) => entities[character]);
}
