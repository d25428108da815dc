import { byId, create } from "./page-elements.js";
import { text } from "./texts.js";

/** Shorter breaks nobody needs to hear of. */
const LOST_AFTER_MS = 1500;

/** The strip above the messages that says why nothing arrives, and what can be done. */
export class Banner {
  #timer = 0;

  showConnection(name, reopen) {
    // One long break has many failed tries: the time runs from the first.
    if (name === "lost" && this.#timer !== 0) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (name === "open") byId("banner").hidden = true;
    else if (name === "asleep") this.show(text("asleep"), text("wake"), reopen);
    else {
      this.#timer = setTimeout(
        () => this.show(text("reconnecting"), text("reconnect"), reopen),
        LOST_AFTER_MS,
      );
    }
  }

  show(sentence, label, onclick) {
    const button = create("button", {
      type: "button",
      className: "link",
      textContent: label,
      onclick,
    });
    byId("banner").replaceChildren(create("span", { textContent: sentence }), button);
    byId("banner").hidden = false;
  }
}
