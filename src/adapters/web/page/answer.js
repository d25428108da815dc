import { MarkdownView } from "./markdown.js";
import { byId } from "./page-elements.js";
import { useLanguage } from "./texts.js";

// Without this script the answer is there as well, only without its formatting.
await useLanguage(document.querySelector("main").dataset.lang);
const source = byId("source");
const answer = byId("answer");
new MarkdownView(answer).set(source.textContent, true);
answer.hidden = false;
source.remove();
