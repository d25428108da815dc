import { text } from "./texts.js";

/** Waits before each try; the same id makes sure that a message is taken once. */
const TRIES_AFTER_MS = [0, 1000, 3000, 8000];
const BODY_LENGTH_MAX = 7_900_000;

/** Brings messages to the server in the order they were written, again and again for a while. */
export class Sending {
  #connection;
  #list;
  /** What was written, by id, until it is taken: the list shows it without its secrets. */
  #written = new Map();
  /** What is on its way; the next message waits for it. */
  #last = Promise.resolve();

  constructor(connection, list) {
    this.#connection = connection;
    this.#list = list;
  }

  /** Shows a new message and sends it; resolves with whether it was taken. */
  begin(words, attachments) {
    const id = this.#connection.createId();
    this.#written.set(id, { text: words, attachments });
    this.#list.add({
      id,
      author: "person",
      text: words,
      format: "plain",
      buttons: [],
      replyId: null,
      attachments: attachments.map(({ base64: _sent, ...shown }) => shown),
      fileName: null,
      createdAt: new Date(this.#connection.now()).toISOString(),
      status: "sending",
    });
    return this.send(id);
  }

  send(id) {
    const written = this.#written.get(id);
    if (written === undefined) return Promise.resolve(false);
    this.#list.change(id, { status: "sending" });
    // That is for what came before.
    if (written.text.trim() === "/stop") return this.#deliver(id);
    const sent = this.#last.then(() => this.#deliver(id));
    this.#last = sent.catch(() => {});
    return sent;
  }

  async #deliver(id) {
    const written = this.#written.get(id);
    if (written === undefined) return false;
    const outcome = isTooLarge(written) ? { status: 413 } : await this.#tryAll(id, written);
    if (outcome.status === 202) {
      this.#written.delete(id);
      this.#list.change(id, { status: undefined });
      return true;
    }
    if (outcome.body?.error?.code === "clock")
      return this.#correctClock(id, outcome.body.error.now);
    this.#list.change(id, { status: "failed", problem: problemOf(outcome) });
    return false;
  }

  discard(id) {
    this.#written.delete(id);
    this.#list.discard(id);
  }

  async #tryAll(id, written) {
    let outcome = { status: 0 };
    for (const waitMs of TRIES_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      outcome = await this.#connection.request("/messages", { id, ...written });
      if (outcome.status !== 0 && outcome.status < 500) break;
    }
    return outcome;
  }

  /** It was refused before anybody read it, so another id cannot make it two messages. */
  #correctClock(id, now) {
    const written = this.#written.get(id);
    if (written.hasCorrectedClock) {
      this.#list.change(id, { status: "failed", problem: text("problems").clock });
      return false;
    }
    this.#connection.setServerTime(now);
    const newId = this.#connection.createId();
    this.#written.delete(id);
    this.#written.set(newId, { ...written, hasCorrectedClock: true });
    this.#list.change(id, {}, newId);
    return this.#deliver(newId);
  }
}

function isTooLarge(written) {
  const { attachments } = written;
  const length = attachments.reduce((sum, { base64 }) => sum + base64.length, written.text.length);
  return length > BODY_LENGTH_MAX;
}

/** The sentence for what the server answered. */
export function problemOf({ status, body }) {
  const problems = text("problems");
  if (status === 0) return problems.offline;
  if (status === 413) return problems.body_too_large;
  return problems[body?.error?.code] ?? (status >= 500 ? problems.try_later : problems.other);
}
