import { byId } from "./page-elements.js";
import { text } from "./texts.js";

/** From this many characters on their number is shown. */
const COUNT_FROM = 2000;
const DRAFT_KEY = `draft ${document.body.dataset.mode}`;

/** The box a message is written in. Calls `handlers.send(text, attachments)`, `stop()`, `lastText()`. */
export class Composer {
  #input = byId("input");
  #send = byId("send");
  #stop = byId("stop");
  #attachments;
  #isBusy = false;
  #isOpen = true;

  constructor(attachments, handlers) {
    this.#attachments = attachments;
    attachments.onChange = () => this.#update();
    this.#input.value = sessionStorage.getItem(DRAFT_KEY) ?? "";
    this.#input.addEventListener("input", () => this.#update());
    this.#input.addEventListener("keydown", (event) => this.#onKey(event, handlers));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(handlers);
    });
    byId("composer").addEventListener("click", (event) => {
      if (!event.target.closest("button, input, textarea")) this.focus();
    });
    this.#stop.addEventListener("click", () => {
      handlers.stop();
      this.focus();
    });
    this.#update();
  }

  /** An answer is being written: with an empty box the button stops it. */
  set isBusy(value) {
    if (this.#isBusy === value) return;
    this.#isBusy = value;
    this.#update();
  }

  set isOpen(value) {
    this.#isOpen = value;
    this.#input.disabled = !value;
    this.#update();
  }

  /** Puts a text into the box, with the first word to replace, such as USER, selected. */
  write(value) {
    this.#input.value = value;
    this.#update();
    this.focus();
    const gap = /\b[A-Z]{3,}\b/.exec(value.slice(1));
    const start = gap === null ? value.length : gap.index + 1;
    this.#input.setSelectionRange(start, gap === null ? start : start + gap[0].length);
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  #onKey(event, handlers) {
    // While an input method composes, Enter belongs to it. Safari ends composing first: code 229.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey) {
      event.preventDefault();
      this.#submit(handlers);
    } else if (event.key === "ArrowUp" && this.#input.value === "") {
      const last = handlers.lastText();
      if (last === "") return;
      event.preventDefault();
      this.#input.value = last;
      this.#update();
      this.#input.setSelectionRange(last.length, last.length);
    }
  }

  #submit(handlers) {
    const value = this.#input.value.trim();
    if (!this.#isOpen || (value === "" && this.#attachments.count === 0)) return;
    this.#input.value = "";
    handlers.send(value, this.#attachments.take());
    this.#update();
    this.focus();
  }

  #update() {
    const { value } = this.#input;
    const isEmpty = value.trim() === "" && this.#attachments.count === 0;
    sessionStorage.setItem(DRAFT_KEY, value);
    const hadFocus = document.activeElement === this.#stop || document.activeElement === this.#send;
    this.#stop.hidden = !(this.#isBusy && isEmpty);
    this.#send.hidden = !this.#stop.hidden;
    this.#send.disabled = isEmpty || !this.#isOpen;
    if (hadFocus && document.activeElement === document.body) this.focus();
    const count = Array.from(value).length;
    const shown = new Intl.NumberFormat(document.documentElement.lang).format(count);
    byId("count").textContent = count < COUNT_FROM ? "" : text("count", { count: shown });
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}
