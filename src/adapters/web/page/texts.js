const LOADERS = {
  en: () => import("./texts-en.js"),
  zh: () => import("./texts-zh.js"),
};

let texts = {};
let language = "en";

/** Loads the language closest to a BCP 47 tag and puts it into the page. */
export async function useLanguage(tag) {
  const wanted = (tag ?? "").toLowerCase().split(/[-_]/)[0];
  language = wanted in LOADERS ? wanted : "en";
  texts = (await LOADERS[language]()).texts;
  document.documentElement.lang = language === "zh" ? "zh-CN" : language;
  fillTexts(document);
  delete document.documentElement.dataset.waiting;
}

export function currentLanguage() {
  return language;
}

/** The sentence of that name, with `{words}` filled in. */
export function text(name, values = {}) {
  const sentence = texts[name] ?? name;
  if (typeof sentence !== "string") return sentence;
  return sentence.replace(/\{(\w+)\}/g, (_match, key) => String(values[key] ?? ""));
}

export function formatTime(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  const options = isToday ? { timeStyle: "short" } : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(document.documentElement.lang, options).format(date);
}

export function formatDay(date) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium" }).format(
    date,
  );
}

function fillTexts(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
    if (element.localName === "button") element.title = text(element.dataset.label);
  }
  for (const element of root.querySelectorAll("[data-placeholder]")) {
    element.placeholder = text(element.dataset.placeholder);
  }
}
