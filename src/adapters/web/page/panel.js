import { byId, create } from "./page-elements.js";
import { formatDay, formatTime, text } from "./texts.js";

/** The drawer beside the messages: always there on a wide screen, else opened by a button. */
export class Drawer {
  #panel = byId("panel");
  #isNarrow = matchMedia("(max-width: 860px)");

  constructor() {
    byId("open-panel").addEventListener("click", () => this.open());
    byId("close-panel").addEventListener("click", () => this.close());
    byId("scrim").addEventListener("click", () => this.close());
    this.#isNarrow.addEventListener("change", () => this.#show(false));
    this.#show(false);
  }

  get isOpen() {
    return this.#isNarrow.matches && !this.#panel.inert;
  }

  open() {
    this.#show(true);
    byId("close-panel").focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#show(false);
    byId("open-panel").focus();
  }

  #show(isOpen) {
    const isModal = isOpen && this.#isNarrow.matches;
    this.#panel.classList.toggle("open", isModal);
    this.#panel.inert = this.#isNarrow.matches && !isOpen;
    byId("main").inert = isModal;
    byId("scrim").hidden = !isModal;
    byId("open-panel").setAttribute("aria-expanded", String(isModal));
  }
}

/** Conversations, balance and settings. Everything it does is a command in the chat. */
export class Panel {
  #shown = "";
  #send;
  #drawer;

  constructor(drawer, send) {
    this.#drawer = drawer;
    this.#send = send;
    byId("new-chat").addEventListener("click", () => this.#command("/new"));
    byId("buy").addEventListener("click", () => this.#command("/buy"));
    byId("balance-pill").addEventListener("click", () => drawer.open());
    byId("redeem").addEventListener("submit", (event) => {
      event.preventDefault();
      const code = byId("code").value.trim();
      byId("code").value = "";
      if (code !== "") this.#command(`/redeem ${code}`);
    });
    for (const select of document.querySelectorAll("select[data-command]")) {
      select.addEventListener("change", () => send(`${select.dataset.command} ${select.value}`));
    }
  }

  show(state) {
    const shown = JSON.stringify(state);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#showBalance(state.balance);
    this.#showConversations(state.conversations);
    showChoices(byId("model"), state.models, (model) =>
      model.price ? `${model.title} · ${model.price}` : model.title,
    );
    showChoices(byId("role"), state.roles, (role) => role.title);
    showChoices(byId("lang"), state.locales, (locale) => locale.title);
    showReceipts(state.receipts);
    byId("model-name").textContent = state.models.find((model) => model.isSelected)?.title ?? "";
    const current = state.conversations.find((conversation) => conversation.isCurrent);
    byId("title").textContent = current?.title || text("newChat");
  }

  /** Draws everything anew at the next `show`, in another language. */
  forget() {
    this.#shown = "";
  }

  #command(command) {
    this.#drawer.close();
    this.#send(command);
  }

  #showBalance({ credit, messages, lots }) {
    const parts = [];
    if (messages !== "0") parts.push(text("messagesLeft", { count: messages }));
    if (credit !== "" && (parts.length === 0 || /[1-9]/.test(credit))) parts.push(credit);
    byId("balance").textContent = parts.join(" · ");
    byId("balance-pill").textContent = parts[0];
    byId("lots").replaceChildren(
      ...lots.map((lot) => {
        const until =
          lot.validUntil === null
            ? ""
            : text("until", { day: formatDay(new Date(lot.validUntil)) });
        const kind = create("span", { textContent: text("lotKinds")[lot.kind] ?? lot.kind });
        const amount =
          lot.unit === "message" ? text("messagesLeft", { count: lot.remaining }) : lot.remaining;
        return create(
          "li",
          {},
          kind,
          create("b", { textContent: amount }),
          create("small", { textContent: until }),
        );
      }),
    );
  }

  #showConversations(conversations) {
    const list = byId("conversations");
    const focused = document.activeElement?.closest("#conversations button")?.dataset.at;
    const rows = conversations.map(({ number, title, at, isCurrent }) => {
      const time = create("small", { textContent: formatTime(new Date(at)) });
      const name = create("span", { textContent: title, dir: "auto" });
      const button = create("button", { type: "button" }, name, time);
      button.dataset.at = at;
      if (isCurrent) button.setAttribute("aria-current", "true");
      button.onclick = () =>
        isCurrent ? this.#drawer.close() : this.#command(`/resume ${number}`);
      return create("li", {}, button);
    });
    const none = create("li", { className: "none", textContent: text("noConversations") });
    list.replaceChildren(...(rows.length > 0 ? rows : [none]));
    if (focused) list.querySelector(`[data-at="${focused}"]`)?.focus();
  }
}

function showChoices(select, choices, describe) {
  select.replaceChildren(
    ...choices.map((choice) =>
      create("option", {
        value: choice.name,
        textContent: describe(choice),
        selected: choice.isSelected,
      }),
    ),
  );
  select.parentElement.hidden = choices.length < 2;
}

function showReceipts(receipts) {
  byId("receipts-box").hidden = receipts.length === 0;
  byId("receipts").replaceChildren(
    ...receipts.map(({ at, model, charge }) =>
      create(
        "li",
        {},
        create("span", { textContent: formatTime(new Date(at)) }),
        create("span", { textContent: model }),
        create("b", { textContent: charge }),
      ),
    ),
  );
}
