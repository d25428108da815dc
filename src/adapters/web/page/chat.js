import { askForKey, openWithFragment, showCommands } from "./admin.js";
import { Attachments } from "./attachments.js";
import { Banner } from "./banner.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { MessageList } from "./message-list.js";
import { isGrowing } from "./message-view.js";
import { announce, byId, create, toast } from "./page-elements.js";
import { Drawer, Panel } from "./panel.js";
import { Scrolling } from "./scrolling.js";
import { problemOf, Sending } from "./sending.js";
import { currentLanguage, text, useLanguage } from "./texts.js";

const LANGUAGE_KEY = "language";
const STATE_AFTER_MS = 250;
const TYPING_BEFORE_ANSWER_MS = 5000;
const ANNOUNCED_LENGTH_MAX = 2000;

const isAdminPage = document.body.dataset.mode === "admin";
const actions = {
  press: (button) => (button.action === "new" ? say("/new") : press(button)),
  sendAgain: (message) => deliver(sending.send(message.id)),
  discard: (message) => sending.discard(message.id),
  write: (command) => composer.write(command),
  fileAddress: (id) => connection.address(`/files/${id}`),
  now: () => connection.now(),
};

const connection = new Connection(isAdminPage ? "/admin-chat" : "/chat", {
  snapshot: onSnapshot,
  message: onMessage,
  edit: (edit) => {
    stopTyping();
    list.edit(edit);
  },
  delete: ({ id }) => list.remove(id),
  typing: ({ ms }) => showTyping(ms),
  state: (name) => {
    if (name === "open") composer.isOpen = true;
    if (name === "refused") refuse();
    else banner.showConnection(name, () => connection.open());
  },
  isBusy: () => list.growing() !== null,
});
const list = new MessageList(actions);
const sending = new Sending(connection, list);
const scrolling = new Scrolling();
const drawer = new Drawer();
const attachments = new Attachments();
const banner = new Banner();
const panel = isAdminPage ? null : new Panel(drawer, say);
let composer = null;
let state = null;
let stateTimer = 0;
let typingTimer = 0;
/** The `/resume` whose turns are shown. */
let resumedBy = null;

await begin();

async function begin() {
  await useLanguage(localStorage.getItem(LANGUAGE_KEY) ?? navigator.language);
  const handlers = { send: say, stop, lastText: () => list.lastOwnText() };
  composer = new Composer(attachments, handlers);
  list.onChange = refresh;
  list.onComplete = onComplete;
  byId("earlier").addEventListener("click", showEarlier);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => isAdminPage && location.reload());
  showExamples();
  if (isAdminPage) await openWithFragment(connection);
  connection.open();
  // On a phone this would cover half the page with a keyboard.
  if (matchMedia("(hover: hover)").matches) composer.focus();
}

function onSnapshot(snapshot) {
  const isFirst = list.oldestId() === null;
  list.reset(snapshot);
  if (isFirst) {
    scrolling.toEnd();
    useReferral(snapshot.messages.length === 0);
  }
  refreshState();
}

/** `/?ref=CODE` is the address people are invited with. */
function useReferral(isNewPerson) {
  const code = new URLSearchParams(location.search).get("ref");
  if (code === null || isAdminPage) return;
  history.replaceState(null, "", location.pathname);
  if (isNewPerson && /^[\w-]{1,64}$/.test(code)) say(`/start ${code}`);
}

function onMessage(message) {
  if (message.author === "bot") stopTyping();
  if (isGrowing(message)) announce(text("answering"));
  list.add(message);
}

function onComplete(message) {
  announce(text("answered", { text: message.text.slice(0, ANNOUNCED_LENGTH_MAX) }));
  if (document.visibilityState === "hidden")
    document.title = `● ${document.title.replace(/^● /, "")}`;
  refreshState();
}

function say(written, attached = []) {
  scrolling.toEnd();
  if (!written.startsWith("/")) showTyping(TYPING_BEFORE_ANSWER_MS);
  void deliver(sending.begin(written, attached));
}

async function deliver(sent) {
  if (!(await sent)) stopTyping();
  refreshState();
}

function stop() {
  const growing = list.growing();
  const button = growing?.buttons.find(({ action }) => action === "stop");
  if (button === undefined) say("/stop");
  else void press(button);
}

async function press({ action, replyId }) {
  const outcome = await connection.request("/actions", {
    id: crypto.randomUUID?.() ?? connection.createId(),
    action,
    replyId,
  });
  if (outcome.status !== 200) toast(problemOf(outcome));
  else if (outcome.body?.text) toast(outcome.body.text);
}

function showTyping(ms) {
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, ms);
  byId("typing").hidden = false;
  refresh();
}

function stopTyping() {
  clearTimeout(typingTimer);
  if (byId("typing").hidden) return;
  byId("typing").hidden = true;
  refresh();
}

/** Everything that depends on the messages as they are now. */
function refresh() {
  const isAnswering = list.growing() !== null;
  composer.isBusy = isAnswering || !byId("typing").hidden;
  byId("log").setAttribute("aria-busy", String(isAnswering));
  byId("welcome").hidden =
    !list.isEmpty() || !byId("typing").hidden || byId("login")?.hidden === false;
  byId("earlier").hidden = !list.hasHidden();
}

function refreshState() {
  clearTimeout(stateTimer);
  stateTimer = setTimeout(readState, STATE_AFTER_MS);
}

async function readState() {
  if (isAdminPage) return;
  const { status, body } = await connection.request("/state");
  if (status !== 200) return;
  state = body;
  attachments.seesImages = state.models.find((model) => model.isSelected)?.seesImages ?? false;
  await followLanguage(state.locale);
  panel.show(state);
  await showResumed();
}

async function followLanguage(locale) {
  localStorage.setItem(LANGUAGE_KEY, locale);
  const former = currentLanguage();
  await useLanguage(locale);
  if (currentLanguage() === former) return;
  showExamples();
  panel.forget();
  list.redraw();
}

/** After `/resume` its conversation is the current one: show what was said in it before. */
async function showResumed() {
  const beginning = list.beginning();
  const resumed = beginning?.text.startsWith("/resume") ? beginning : null;
  if (resumed?.id === resumedBy?.id || resumed?.status !== undefined) return;
  resumedBy = resumed;
  const current = state.conversations.find((conversation) => conversation.isCurrent);
  if (resumed === null || current === undefined) {
    list.showTurns([]);
    return;
  }
  const { status, body } = await connection.request(`/turns?number=${current.number}`);
  if (status !== 200 || list.beginning()?.id !== resumed.id) return;
  const before = body.turns.filter((turn) => Date.parse(turn.at) < Date.parse(resumed.createdAt));
  list.showTurns(before);
  scrolling.toEnd();
}

async function showEarlier() {
  if (!list.needsOlder()) {
    scrolling.keep(() => list.showAll());
    return;
  }
  const { status, body } = await connection.request(`/messages?before=${list.oldestId()}`);
  if (status === 200) scrolling.keep(() => list.prepend(body));
}

function showExamples() {
  if (isAdminPage) {
    showCommands((command) => {
      drawer.close();
      composer.write(command);
    });
    return;
  }
  byId("examples").replaceChildren(
    ...text("examples").map(([title, question]) => {
      const button = create("button", { type: "button", onclick: () => say(question) });
      button.append(
        create("strong", { textContent: title }),
        create("span", { textContent: question }),
      );
      return create("li", {}, button);
    }),
  );
}

function refuse() {
  composer.isOpen = false;
  if (isAdminPage) askForKey(connection, () => connection.open());
  else {
    const reason = document.body.dataset.entry === "full" ? "tooManyVisitors" : "noSession";
    banner.show(text(reason), text("reload"), () => location.reload());
  }
}

function onKey(event) {
  if (event.isComposing) return;
  const isWriting = event.target.closest?.("input, textarea, select") !== null;
  if (event.key === "Escape") {
    if (drawer.isOpen) drawer.close();
    else if (!byId("stop").hidden || list.growing() !== null) stop();
  } else if (event.key === "/" && !isWriting && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    composer.focus();
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  document.title = document.title.replace(/^● /, "");
  refreshState();
});
