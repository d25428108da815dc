import { MarkdownView } from "./markdown.js";
import { copyText, create, icon, iconButton } from "./page-elements.js";
import { formatTime, text } from "./texts.js";

const FILE_KEPT_MS = 15 * 60_000;
const LINK = /https?:\/\/[^\s<>"'）。，、]+[^\s<>"'）。，、.,;:!?)\]]/g;

const COMMAND = /(?<=^|[\s(:：（,，])(\/[a-z]{3,})(?=$|[\s).,;:!?，。；）])/;

/** What kind of message it is: that decides how it looks. */
export function kindOf(message) {
  if (message.author === "person") return isCommand(message) ? "command" : "question";
  return message.replyId === null && message.fileName === null ? "note" : "answer";
}

export function isGrowing(message) {
  return message.buttons.some((button) => button.action === "stop");
}

function isCommand(message) {
  return message.text.startsWith("/") && !message.text.startsWith("/ask ");
}

/** One message on the page. `actions` has what its buttons do. */
export class MessageView {
  element;
  #actions;
  #body = create("div", { className: "body" });
  #foot = create("div", { className: "foot" });
  #markdown = null;
  #file = null;

  constructor(message, actions) {
    this.#actions = actions;
    this.element = create("article", {}, this.#body, this.#foot);
    this.update(message);
  }

  update(message) {
    const kind = kindOf(message);
    const isMarkdown =
      message.author === "bot" && (message.format === "markdown" || isGrowing(message));
    this.element.className = `message ${kind}`;
    this.element.classList.toggle("growing", isGrowing(message));
    this.element.classList.toggle("failed", message.status === "failed");
    this.element.setAttribute("aria-label", text(message.author === "person" ? "you" : "answer"));
    this.element.title = formatTime(new Date(message.createdAt));
    if (isMarkdown) this.#showMarkdown(message);
    else this.#showPlain(message);
    this.#showFile(message);
    this.#showFoot(message, kind);
  }

  /** Shows more of a text that still grows: nothing else about it has changed. */
  grow(message) {
    this.#showMarkdown(message);
  }

  #showMarkdown(message) {
    if (this.#markdown === null) {
      const holder = create("div", { className: "markdown" });
      this.#body.replaceChildren(holder);
      this.#markdown = new MarkdownView(holder);
    }
    // Before the first word stands a placeholder, which here is three dots.
    const isWaiting = isGrowing(message) && !/[\p{L}\p{N}]/u.test(message.text);
    this.#markdown.set(isWaiting ? "" : message.text, !isGrowing(message));
    if (kindOf(message) === "note") linkCommands(this.#body, this.#actions.write);
  }

  #showPlain(message) {
    this.#markdown = null;
    const paragraph = create("div", { className: "plain", dir: "auto" });
    let end = 0;
    for (const match of message.text.matchAll(LINK)) {
      const [href] = match;
      const link = create("a", { href, textContent: href, target: "_blank" });
      link.rel = "noopener noreferrer nofollow";
      paragraph.append(message.text.slice(end, match.index), link);
      end = match.index + href.length;
    }
    paragraph.append(message.text.slice(end));
    const attached = message.attachments.map(showAttachment);
    const list = attached.length > 0 ? [create("div", { className: "pictures" }, ...attached)] : [];
    this.#body.replaceChildren(...list, ...(message.text === "" ? [] : [paragraph]));
  }

  #showFile(message) {
    if (message.fileName === null) return;
    this.#file ??= new FileCard(message, this.#actions);
    this.#body.append(this.#file.element);
  }

  #showFoot(message, kind) {
    const parts = [];
    if (message.status === "sending") parts.push(create("span", { textContent: text("sending") }));
    if (message.status === "failed") parts.push(...this.#failedParts(message));
    if (
      kind === "answer" &&
      !isGrowing(message) &&
      message.text !== "" &&
      message.fileName === null
    ) {
      const copy = iconButton("copy", text("copy"), () => copyText(message.text, copy));
      parts.push(copy);
    }
    for (const button of message.buttons.filter(({ action }) => action !== "stop")) {
      parts.push(
        create(
          "button",
          { type: "button", className: "ghost", onclick: () => this.#actions.press(button) },
          icon(button.action === "retry" ? "retry" : "new"),
          // Labels begin with an emoji where there are no icons.
          button.label.replace(/^[^\p{L}]+/u, ""),
        ),
      );
    }
    this.#foot.replaceChildren(...parts);
  }

  #failedParts(message) {
    const again = create("button", {
      type: "button",
      className: "link",
      textContent: text("sendAgain"),
    });
    again.onclick = () => this.#actions.sendAgain(message);
    const discard = create("button", {
      type: "button",
      className: "link",
      textContent: text("discard"),
    });
    discard.onclick = () => this.#actions.discard(message);
    return [create("span", { className: "problem", textContent: message.problem }), again, discard];
  }
}

/** Commands that a note names become buttons that write them into the box. */
function linkCommands(body, write) {
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) {
    if (walker.currentNode.parentElement.closest("button, a, pre") === null)
      nodes.push(walker.currentNode);
  }
  for (const node of nodes) {
    const isCode = node.parentElement.localName === "code";
    const parts = node.data.split(isCode ? /^(\/[a-z]+.*)$/s : COMMAND);
    if (parts.length === 1) continue;
    const shown = parts.map((part, index) => {
      if (index % 2 === 0) return part;
      const button = create("button", { type: "button", className: "link", textContent: part });
      button.onclick = () => write(part);
      return button;
    });
    node.replaceWith(...shown);
  }
}

function showAttachment(attachment) {
  const { thumbnail, name } = attachment;
  if (thumbnail) return create("img", { src: thumbnail, alt: name, loading: "lazy" });
  return create("span", { className: "chip" }, icon("file"), name);
}

/** A file that came with a message, for as long as it can be fetched. */
class FileCard {
  element = create("div", { className: "file" });
  #message;
  #actions;

  constructor(message, actions) {
    this.#message = message;
    this.#actions = actions;
    const isGone = Date.parse(message.createdAt) + FILE_KEPT_MS < actions.now();
    if (isGone) this.#showGone();
    else this.#showReady();
  }

  #showReady() {
    const { id, fileName } = this.#message;
    const download = create("a", { className: "button", textContent: text("download") });
    download.href = this.#actions.fileAddress(id);
    download.download = fileName;
    const show = create("button", { type: "button", textContent: text("showAndCopy") });
    show.onclick = () => this.#showContent(show);
    this.element.replaceChildren(
      create(
        "div",
        { className: "file-name" },
        icon("file"),
        create("strong", { textContent: fileName }),
      ),
      create("div", { className: "file-buttons" }, download, show),
      create("small", { textContent: text("fileKept") }),
    );
  }

  async #showContent(show) {
    const response = await fetch(this.#actions.fileAddress(this.#message.id)).catch(() => null);
    if (response === null) return;
    if (!response.ok) {
      this.#showGone();
      return;
    }
    const area = create("textarea", { readOnly: true, value: await response.text(), rows: 8 });
    area.spellcheck = false;
    area.setAttribute("aria-label", this.#message.fileName);
    const copy = create("button", { type: "button", textContent: text("copy") });
    copy.onclick = () => copyText(area.value, copy);
    show.replaceWith(copy);
    this.element.append(area);
    area.setSelectionRange(0, 0);
    area.focus();
  }

  #showGone() {
    this.element.replaceChildren(
      create(
        "div",
        { className: "file-name" },
        icon("file"),
        create("strong", { textContent: this.#message.fileName }),
      ),
      create("small", { textContent: text("fileGone") }),
    );
  }
}
