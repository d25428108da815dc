import { text } from "./texts.js";

const ICONS = new URL("./icons.svg", import.meta.url).pathname;
const TOAST_MS = 5000;
const SVG = "http://www.w3.org/2000/svg";

let toastTimer = 0;

export function byId(id) {
  return document.getElementById(id);
}

/** A new element with properties, such as `{ className, textContent, onclick }`, and children. */
export function create(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

export function iconButton(name, label, onclick) {
  const button = create("button", { type: "button", className: "ghost icon-only", onclick });
  button.title = label;
  button.setAttribute("aria-label", label);
  button.append(icon(name));
  return button;
}

/** One short sentence that goes away by itself. */
export function toast(sentence) {
  const element = byId("toast");
  element.textContent = sentence;
  element.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    element.hidden = true;
  }, TOAST_MS);
}

/** Says something to those who listen to the page. */
export function announce(sentence) {
  byId("announcer").textContent = sentence;
}

/** Copies, and says so on the button that was pressed. */
export async function copyText(value, button) {
  if (!(await writeClipboard(value))) return;
  const former = [...button.childNodes];
  const done = button.classList.contains("icon-only") ? icon("done") : text("copied");
  button.replaceChildren(done);
  announce(text("copied"));
  setTimeout(() => button.replaceChildren(...former), 1500);
}

async function writeClipboard(value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    // Without https browsers have no clipboard for us, but still the old way.
    const area = create("textarea", { value, className: "hidden" });
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    return isDone;
  }
}
