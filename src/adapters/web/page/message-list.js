import { isGrowing, kindOf, MessageView } from "./message-view.js";
import { byId, create } from "./page-elements.js";
import { formatDay } from "./texts.js";

/** Writing one of these begins another conversation; what came before leaves the view. */
const BEGINS = /^\/(new|resume\s+\d+)\s*$/;

/**
 * The messages of the channel in the order of their ids. The view begins with the last `/new` or
 * `/resume N`; the turns of a resumed conversation stand above.
 */
export class MessageList {
  #messages = new Map();
  #views = new Map();
  #turnViews = [];
  #turns = [];
  #actions;
  #hasEarlier = false;
  #showsAll = false;
  #log = byId("log");
  /** Called with a message when an answer or a note is complete, but not for those of the past. */
  onComplete = () => {};
  onChange = () => {};

  constructor(actions) {
    this.#actions = actions;
  }

  /** The newest messages as the server has them; what it no longer has goes. */
  reset({ messages, hasEarlier }) {
    const first = messages[0]?.id ?? "";
    const isKnown = this.#messages.has(first);
    for (const [id, message] of this.#messages) {
      const isOurs = message.status === "sending" || message.status === "failed";
      if (!isOurs && (id >= first || !isKnown)) this.#messages.delete(id);
    }
    for (const message of messages) this.#merge(message);
    if (!isKnown || first === this.#ids()[0]) this.#hasEarlier = hasEarlier;
    this.#render();
  }

  /** A page of older messages. */
  prepend({ messages, hasEarlier }) {
    for (const message of messages) this.#merge(message);
    this.#hasEarlier = hasEarlier;
    this.#render();
  }

  add(message) {
    const former = this.beginning();
    this.#merge(message);
    if (this.beginning() !== former) this.#showsAll = false;
    this.#render();
    if (message.author === "bot" && !isGrowing(message)) this.onComplete(message);
  }

  edit({ id, from, text, ...content }) {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    const wasGrowing = isGrowing(message);
    message.text = message.text.slice(0, from) + text;
    message.format = content.format;
    message.buttons = content.buttons;
    message.replyId = content.replyId ?? message.replyId;
    const view = this.#views.get(id);
    if (wasGrowing && isGrowing(message)) {
      view?.grow(message);
      return;
    }
    view?.update(message);
    if (wasGrowing) this.onComplete(message);
    this.#markLast();
    this.onChange();
  }

  remove(id) {
    const message = this.#messages.get(id);
    // What could not be taken is removed at the server; here it waits to be sent again.
    if (message === undefined || message.status === "sending" || message.status === "failed")
      return;
    this.#messages.delete(id);
    this.#render();
  }

  /** Changes a message of this tab; with `newId` it moves. */
  change(id, fields, newId = id) {
    const message = this.#messages.get(id);
    if (message === undefined) return;
    Object.assign(message, fields, { id: newId });
    if (newId !== id) {
      this.#messages.delete(id);
      this.#messages.set(newId, message);
      this.#render();
    } else this.#views.get(id)?.update(message);
  }

  discard(id) {
    this.#messages.delete(id);
    this.#render();
  }

  /** Shows the turns of a resumed conversation above the messages. */
  showTurns(turns) {
    this.#turns = turns;
    for (const view of this.#turnViews) view.element.remove();
    this.#turnViews = turns.map(
      (turn, index) => new MessageView(toMessage(turn, index), this.#actions),
    );
    this.#render();
  }

  showAll() {
    this.#showsAll = true;
    this.showTurns([]);
  }

  /** The message the view begins with; `null` when it begins with the first one there is. */
  beginning() {
    for (const id of this.#ids().reverse()) {
      const message = this.#messages.get(id);
      if (message.author === "person" && BEGINS.test(message.text)) return message;
    }
    return null;
  }

  hasHidden() {
    return this.#hasEarlier || (!this.#showsAll && this.#ids()[0] < this.#firstShown());
  }

  needsOlder() {
    return this.#hasEarlier && (this.#showsAll || this.beginning() === null);
  }

  oldestId() {
    return this.#ids().find((id) => this.#messages.get(id).status === undefined) ?? null;
  }

  growing() {
    return [...this.#messages.values()].findLast(isGrowing) ?? null;
  }

  lastOwnText() {
    const own = this.#ids()
      .reverse()
      .map((id) => this.#messages.get(id));
    return own.find((message) => message.author === "person")?.text ?? "";
  }

  /** No question and no answer is in view. */
  isEmpty() {
    if (this.#turns.length > 0) return false;
    return !this.#shownIds().some((id) => /question|answer/.test(kindOf(this.#messages.get(id))));
  }

  /** Draws everything anew, in another language. */
  redraw() {
    for (const view of this.#views.values()) view.element.remove();
    this.#views.clear();
    this.showTurns(this.#turns);
  }

  #merge(message) {
    const known = this.#messages.get(message.id);
    // Only who sends it knows whether it was taken: what the server shows it may yet take back.
    const { status, problem } = known ?? message;
    this.#messages.set(message.id, { ...message, status, problem });
  }

  #ids() {
    return [...this.#messages.keys()].sort();
  }

  #firstShown() {
    return this.#showsAll ? "" : (this.beginning()?.id ?? "");
  }

  #shownIds() {
    const first = this.#firstShown();
    return this.#ids().filter((id) => id >= first);
  }

  #render() {
    const ids = this.#shownIds();
    const shown = new Set(ids);
    for (const [id, view] of this.#views) {
      if (shown.has(id)) continue;
      view.element.remove();
      this.#views.delete(id);
    }
    const elements = this.#turnViews.map((view) => view.element);
    let day = "";
    for (const id of ids) {
      const message = this.#messages.get(id);
      const view = this.#views.get(id);
      if (view === undefined) this.#views.set(id, new MessageView(message, this.#actions));
      else view.update(message);
      const messageDay = formatDay(new Date(message.createdAt));
      if (day !== "" && day !== messageDay)
        elements.push(create("p", { className: "day", textContent: messageDay }));
      day = messageDay;
      elements.push(this.#views.get(id).element);
    }
    this.#place(elements);
    this.#markLast();
    this.onChange();
  }

  /** Moves only what is not yet where it belongs, so that a selection or a focus survives. */
  #place(elements) {
    for (const day of this.#log.querySelectorAll(":scope > .day")) day.remove();
    let next = this.#log.firstElementChild;
    for (const element of elements) {
      if (element === next) next = next.nextElementSibling;
      else this.#log.insertBefore(element, next);
    }
  }

  /** Only the last answer offers to be tried again. */
  #markLast() {
    this.#log.querySelector(".last")?.classList.remove("last");
    this.#log.querySelector(":scope > .answer:nth-last-child(1 of .answer)")?.classList.add("last");
  }
}

function toMessage(turn, index) {
  return {
    id: `turn-${index}`,
    author: turn.author === "user" ? "person" : "bot",
    text: turn.text,
    format: turn.author === "user" ? "plain" : "markdown",
    buttons: [],
    replyId: turn.author === "user" ? null : "turn",
    attachments: [],
    fileName: null,
    createdAt: turn.at,
  };
}
