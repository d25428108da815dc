import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatCapabilities, SentMessage } from "../../src/core/chat/chat-adapter.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { ReplyWriter, type ReplyWriterOptions } from "../../src/core/chat/reply-writer.ts";
import { splitMarkdown } from "../../src/core/chat/split-text.ts";
import { OutsideError } from "../../src/core/errors.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

const here = { platform: "fake", bot: "bot", channel: "1", thread: null };
const stopButton = { action: "stop", replyId: "r1", label: "Stop" } as const;
const retryButton = { action: "retry", replyId: "r1", label: "Retry" } as const;
const noEdit = {
  edit: null,
  pace: { direct: { burst: 2, refillMs: 1000 }, group: { burst: 2, refillMs: 1000 } },
};

function setUp(capabilities: Partial<ChatCapabilities> = {}) {
  const clock = new FakeClock();
  const chat = new FakeChat(capabilities, clock);
  const { pace, callsPerSecondMax } = chat.capabilities;
  const budget = new EditBudget(clock, pace, callsPerSecondMax);
  const startMs = clock.now().getTime();
  const saved: SentMessage[] = [];
  const failures: unknown[] = [];
  const createWriter = (options: Partial<ReplyWriterOptions> = {}) =>
    new ReplyWriter({
      sender: chat,
      address: here,
      isDirect: true,
      budget,
      clock,
      replyTo: "question",
      existing: [],
      placeholderText: "Thinking",
      restText: "more",
      stopButton,
      onSent: async (position, message) => {
        saved[position] = message;
      },
      onPreviewFailed: (error) => failures.push(error),
      ...options,
    });
  /** Runs `work` to its end, letting time pass as it needs. */
  const finished = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    for (let second = 0; second < 600 && !isDone; second += 1) await clock.advance(1000);
    return done;
  };
  const callTimes = () => chat.calls.map((call) => call.atMs - startMs);
  return { clock, chat, budget, saved, failures, createWriter, finished, callTimes, startMs };
}

const final = (text: string) => ({ text, buttons: [retryButton] });
const kindOf = (error: unknown) => (error instanceof OutsideError ? error.kind : error);

describe("ReplyWriter where messages can be edited", () => {
  it("shows the first words at once and then the newest text, no faster than allowed", async () => {
    const { clock, chat, createWriter, callTimes } = setUp();
    const writer = createWriter();
    writer.write("Hello");
    await clock.settle();
    expect(chat.messages).toEqual(["Hello"]);

    writer.write("Hello there");
    await clock.advance(999);
    expect(chat.messages).toEqual(["Hello"]);
    writer.write("Hello there, friend");
    await clock.advance(1);
    expect(chat.messages).toEqual(["Hello there, friend"]);
    expect(callTimes()).toEqual([0, 1000]);
    await writer.stop();
  });

  it("makes no call while nothing changes", async () => {
    const { clock, chat, createWriter } = setUp();
    const writer = createWriter();
    writer.write("Hello");
    await clock.advance(2000);
    for (let time = 0; time < 10; time += 1) {
      writer.write(time % 2 === 0 ? "Hello" : "Hello ");
      await clock.advance(2000);
    }
    expect(chat.calls).toHaveLength(1);
    await writer.stop();
  });

  it("shows a placeholder with a stop button when the first words take their time", async () => {
    const { clock, chat, createWriter } = setUp();
    const writer = createWriter();
    writer.showPlaceholder();
    await clock.advance(699);
    expect(chat.messages).toEqual([]);
    await clock.advance(1);
    expect(chat.shown).toMatchObject([
      { text: "Thinking", format: "plain", buttons: [stopButton], replyTo: "question" },
    ]);
    writer.write("Well");
    await clock.advance(1000);
    expect(chat.messages).toEqual(["Well"]);
    await writer.stop();
  });

  it("shows no placeholder when words come soon", async () => {
    const { clock, chat, createWriter } = setUp();
    const writer = createWriter();
    writer.showPlaceholder();
    await clock.advance(600);
    writer.write("Well");
    await clock.advance(5000);
    expect(chat.calls.map((call) => call.text)).toEqual(["Well"]);
    await writer.stop();
  });

  it("brings the final text with its formatting and its buttons", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    const writer = createWriter();
    writer.showPlaceholder();
    writer.write("**Well");
    await clock.advance(300);
    expect(await finished(writer.finish(final("**Well** done")))).toBe(true);
    expect(chat.shown).toMatchObject([
      { text: "**Well** done", format: "markdown", buttons: [retryButton] },
    ]);
    await clock.advance(60_000);
    expect(chat.calls).toHaveLength(2);
    expect(clock.sleepers).toBe(0);
  });

  it("sends the final text at once when nothing was shown before", async () => {
    const { clock, chat, createWriter } = setUp();
    const writer = createWriter();
    writer.showPlaceholder();
    await writer.finish(final("Done"));
    expect(chat.messages).toEqual(["Done"]);
    await clock.advance(5000);
    expect(chat.calls).toHaveLength(1);
  });

  it("shows something even for a final text without words", async () => {
    const { chat, createWriter } = setUp();
    await createWriter().finish(final(" \n"));
    expect(chat.messages).toEqual(["…"]);
  });

  it("flows over into further messages and keeps the stop button under the last", async () => {
    const { clock, chat, saved, createWriter, finished } = setUp({ textLengthMax: 20 });
    const writer = createWriter();
    const text = "one two three four **five** six seven eight";
    for (let length = 1; length <= text.length; length += 2) {
      writer.write(text.slice(0, length));
      await clock.advance(200);
      // While text moves on from the last message but one, that has its button still.
      expect(chat.shown.slice(0, -2).every(({ buttons }) => buttons.length === 0)).toBe(true);
      expect(chat.shown.at(-1)?.buttons).toEqual([stopButton]);
      expect(chat.shown.every(({ format }) => format === "plain")).toBe(true);
    }
    await clock.advance(3000);
    expect(chat.messages).toEqual(["one two three four", "**five** six seven", "eight"]);
    expect(chat.shown.map(({ buttons }) => buttons)).toEqual([[], [], [stopButton]]);

    await finished(writer.finish(final(`${text}.`)));
    expect(chat.messages).toEqual(["one two three four", "**five** six seven", "eight."]);
    expect(chat.shown.every(({ format }) => format === "markdown")).toBe(true);
    expect(chat.shown.map(({ replyTo }) => replyTo)).toEqual(["question", null, null]);
    expect(saved.map(({ id }) => id)).toEqual(chat.shown.map(({ id }) => id));
    // What a person had not read yet came before the formatting of what they had.
    expect(chat.calls.slice(-3).map(({ text: shown }) => shown)).toEqual([
      "eight.",
      "one two three four",
      "**five** six seven",
    ]);
    expect(chat.rateLimited).toBe(0);
  });

  it("never takes a paragraph from the screen that moves to a new message", async () => {
    const slow = { burst: 1, refillMs: 1000 };
    const { clock, chat, createWriter, finished } = setUp({
      textLengthMax: 60,
      pace: { direct: slow, group: slow },
    });
    const writer = createWriter();
    const words = Array.from({ length: 30 }, (_, index) => `word${index}`);
    let text = "";
    let shown: string[] = [];
    const look = () => {
      const screen = chat.messages.join(" ");
      expect(shown.filter((word) => !screen.includes(word))).toEqual([]);
      shown = words.filter((word) => screen.includes(word));
    };
    for (const [index, word] of words.entries()) {
      text += index % 7 === 6 ? `${word}\n\n` : `${word} `;
      writer.write(text);
      for (let step = 0; step < 4; step += 1) {
        await clock.advance(100);
        look();
      }
    }
    const done = finished(writer.finish(final(`${text}\n\n${"last ".repeat(10)}`)));
    for (let step = 0; step < 100; step += 1) {
      await clock.advance(100);
      look();
    }
    await done;
    expect(shown).toEqual(words);
    expect(chat.rateLimited).toBe(0);
  });

  it("shows newer text before it tidies the message that a paragraph has left", async () => {
    const { clock, chat, createWriter } = setUp({ textLengthMax: 40 });
    const writer = createWriter();
    // While the new message is on its way, more is written.
    chat.latencyMs = 150;
    let text = "first paragraph\n\nsecond one";
    for (let token = 0; token < 40; token += 1) {
      writer.write(text);
      await clock.advance(100);
      if (token < 14) text += " a";
    }
    const calls = chat.calls.map(({ kind, text: shown }) => `${kind} ${shown?.slice(0, 6)}`);
    expect(calls.slice(1, 4)).toEqual(["send second", "edit second", "edit first "]);
    expect(chat.messages[0]).toBe("first paragraph");
    await writer.stop();
  });

  it("keeps text in its old message until the final one has it in a new one", async () => {
    const { clock, chat, createWriter, finished } = setUp({ textLengthMax: 40 });
    const writer = createWriter();
    const moving = "second paragraph here";
    writer.write(`first paragraph\n\n${moving}`);
    await clock.advance(1000);
    expect(chat.messages).toHaveLength(1);
    chat.latencyMs = 500;
    const done = finished(writer.finish(final(`first paragraph\n\n${moving}, with a receipt`)));
    for (let step = 0; step < 30; step += 1) {
      await clock.advance(100);
      expect(chat.messages.join(" ")).toContain(moving);
    }
    await done;
    expect(chat.messages).toEqual(["first paragraph", `${moving}, with a receipt`]);
  });

  it("keeps a minute's stream in a group within twenty calls and ends it exactly", async () => {
    const { clock, chat, createWriter, finished, callTimes } = setUp();
    chat.groups.add(here.channel);
    const writer = createWriter({ isDirect: false });
    writer.showPlaceholder();
    let text = "";
    for (let token = 0; token < 1200; token += 1) {
      await clock.advance(50);
      text += token % 15 === 14 ? "word.\n\n" : "word ";
      writer.write(text);
    }
    const endedMs = clock.now().getTime();
    await finished(writer.finish(final(`${text}\n\nReceipt`)));
    expect(chat.messages).toEqual(
      splitMarkdown(`${text}\n\nReceipt`, { lengthMax: 4096, bytesMax: null }),
    );
    expect(chat.rateLimited).toBe(0);
    for (const fromMs of callTimes()) {
      const inMinute = callTimes().filter((atMs) => atMs >= fromMs && atMs <= fromMs + 60_000);
      expect(inMinute.length).toBeLessThanOrEqual(20);
    }
    const receiptAtMs = chat.calls.find((call) => call.text?.endsWith("Receipt"))?.atMs ?? 0;
    expect(receiptAtMs - endedMs).toBeLessThanOrEqual(3160);
  });

  it("lets the screen lag behind the answer by no more than one interval", async () => {
    const { clock, chat, createWriter } = setUp({ textLengthMax: 2000 });
    const writer = createWriter();
    const writtenAtMs: number[] = [];
    let text = "";
    for (let token = 0; token < 2000; token += 1) {
      await clock.advance(50);
      text += "word ";
      writtenAtMs.push(clock.now().getTime());
      writer.write(text);
      await clock.settle();
      const shownTokens = chat.messages
        .join(" ")
        .split(/\s+/)
        .filter((word) => word === "word").length;
      const oldestHiddenMs = writtenAtMs[shownTokens] ?? clock.now().getTime();
      expect(clock.now().getTime() - oldestHiddenMs).toBeLessThanOrEqual(1000 + 150);
    }
    expect(chat.messages).toHaveLength(5);
    expect(chat.rateLimited).toBe(0);
    await writer.stop();
  });

  it("makes no call while the platform blocks, then sends only the final text", async () => {
    const { clock, chat, failures, createWriter, finished, startMs } = setUp();
    const writer = createWriter();
    writer.write("One");
    await clock.advance(1000);
    chat.failNext("rate_limited", { retryAfterMs: 3000 });
    writer.write("One two");
    await clock.advance(500);
    writer.write("One two three");
    const done = finished(writer.finish(final("One two three four")));
    await done;
    expect(failures.map(kindOf)).toEqual(["rate_limited"]);
    expect(chat.messages).toEqual(["One two three four"]);
    expect(chat.calls.map(({ atMs }) => atMs - startMs)).toEqual([0, 1000, 4000]);
  });

  it("shows nothing more after a refusal but the final, when the pause is over", async () => {
    const { clock, chat, createWriter, finished, startMs } = setUp();
    const writer = createWriter();
    chat.failNext("rate_limited", { retryAfterMs: 3000 });
    for (let token = 1; token <= 40; token += 1) {
      writer.write("word ".repeat(token));
      await clock.advance(100);
    }
    expect(chat.calls.map(({ atMs }) => atMs - startMs)).toEqual([0]);
    await finished(writer.finish(final("The end")));
    expect(chat.calls.map(({ text }) => text).slice(1)).toEqual(["The end"]);
  });

  it("lets two streams in one chat share what the chat allows", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    const writers = [createWriter(), createWriter()];
    for (let token = 1; token <= 600; token += 1) {
      await clock.advance(50);
      for (const [index, writer] of writers.entries()) writer.write(`${index} `.repeat(token));
    }
    const done = writers.map((writer, index) => finished(writer.finish(final(`Done ${index}`))));
    await Promise.all(done);
    expect(chat.rateLimited).toBe(0);
    expect(chat.messages).toEqual(["Done 0", "Done 1"]);
    const previews = ["0 0", "1 1"].map(
      (start) => chat.calls.filter(({ text }) => text?.startsWith(start)).length,
    );
    expect(previews[0]).toBeGreaterThanOrEqual(14);
    expect(Math.abs((previews[0] ?? 0) - (previews[1] ?? 0))).toBeLessThanOrEqual(1);
  });

  it("lets a final go before the previews of other streams", async () => {
    const { clock, chat, createWriter } = setUp();
    const writers = Array.from({ length: 4 }, () => createWriter());
    for (let token = 1; token <= 200; token += 1) {
      await clock.advance(50);
      for (const [index, writer] of writers.entries()) writer.write(`${index} `.repeat(token));
    }
    const endedMs = clock.now().getTime();
    const done = writers[0]?.finish(final("Done"));
    await clock.advance(1150);
    await done;
    expect(chat.messages[0]).toBe("Done");
    expect(
      (chat.calls.find(({ text }) => text === "Done")?.atMs ?? 0) - endedMs,
    ).toBeLessThanOrEqual(1000);
    await Promise.all(writers.slice(1).map((writer) => writer.stop()));
  });

  it("never lets a preview overtake the final text", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    chat.latencyMs = 400;
    const writer = createWriter();
    writer.write("One");
    await clock.advance(1100);
    writer.write("One two");
    await clock.advance(100);
    await finished(writer.finish(final("One two three")));
    expect(chat.calls.map(({ text }) => text).at(-1)).toBe("One two three");
    expect(chat.messages).toEqual(["One two three"]);
    expect(chat.rateLimited).toBe(0);
  });

  it("sends no second message when the answer ends while the first is on its way", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    chat.latencyMs = 2500;
    const writer = createWriter();
    writer.write("One");
    await clock.advance(1000);
    await finished(writer.finish(final("One two")));
    expect(chat.calls.map(({ kind }) => kind)).toEqual(["send", "edit"]);
    expect(chat.messages).toEqual(["One two"]);
  });

  it("leaves a burst for further messages and edits no faster than the chat refills", async () => {
    const slow = { burst: 2, refillMs: 2000 };
    const { clock, chat, createWriter, callTimes } = setUp({
      textLengthMax: 250,
      pace: { direct: slow, group: slow },
    });
    const writer = createWriter();
    for (let token = 1; token <= 70; token += 1) {
      writer.write("word ".repeat(token));
      await clock.advance(100);
    }
    // The further message comes together with the last edit of the first one.
    expect(callTimes()).toEqual([0, 2000, 4000, 6000, 6000]);
    expect(chat.messages).toHaveLength(2);
    await writer.stop();
  });

  it("ignores what is written after the end", async () => {
    const { clock, chat, createWriter } = setUp();
    const writer = createWriter();
    await writer.finish(final("Done"));
    writer.write("Done and more");
    writer.showPlaceholder();
    await clock.advance(10_000);
    expect(chat.messages).toEqual(["Done"]);
  });
});

describe("ReplyWriter after a restart or a takeover", () => {
  it("goes on in the messages of an earlier process", async () => {
    const { clock, chat, saved, createWriter, finished } = setUp({ textLengthMax: 20 });
    const first = createWriter();
    first.write("one two three four five six");
    await clock.advance(1000);
    await first.stop();
    expect(chat.messages).toEqual(["one two three four", "five six"]);

    const second = createWriter({ existing: [...saved] });
    second.showPlaceholder();
    second.write("one two three");
    await clock.advance(5000);
    expect(chat.messages).toEqual(["one two three four", "five six"]);
    second.write("one two three four five six seven");
    await clock.advance(2000);
    expect(chat.messages).toEqual(["one two three four", "five six seven"]);
    await finished(second.finish(final("one two three four five six seven eight nine")));
    expect(chat.messages).toEqual(["one two three four", "five six seven eight", "nine"]);
    expect(chat.shown.every(({ format }) => format === "markdown")).toBe(true);
  });

  it("finishes the messages of an earlier process without a preview", async () => {
    const { clock, chat, saved, createWriter, finished } = setUp();
    const first = createWriter();
    first.showPlaceholder();
    await clock.advance(1000);
    await first.stop();
    await finished(createWriter({ existing: [...saved] }).finish(final("Done")));
    expect(chat.messages).toEqual(["Done"]);
  });

  it("shows a text written anew only once it is longer than what was shown", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    const writer = createWriter();
    writer.write("A first attempt");
    await clock.advance(2000);
    for (const text of ["Another", "Another try"]) {
      writer.write(text);
      await clock.advance(2000);
      expect(chat.messages).toEqual(["A first attempt"]);
    }
    writer.write("Another try at it");
    await clock.advance(2000);
    expect(chat.messages).toEqual(["Another try at it"]);
    await finished(writer.finish(final("Short")));
    expect(chat.messages).toEqual(["Short"]);
  });

  it("shows no text written anew that would leave a message behind", async () => {
    const { clock, chat, createWriter } = setUp({ textLengthMax: 20 });
    const writer = createWriter();
    const first = ["aaaa aaaa", "bbbbbbbb bbbb", "cccc cccc"];
    writer.write(first.join("\n\n"));
    await clock.advance(5000);
    expect(chat.messages).toEqual(first);
    const anew = "dddddddd ddddddddd\n\neeeeeeee eeeeeeeee";
    expect(anew.length).toBeGreaterThanOrEqual(first.join("\n\n").length);
    writer.write(anew);
    await clock.advance(5000);
    expect(chat.messages).toEqual(first);
    writer.write(`${anew}\n\nffff`);
    await clock.advance(5000);
    expect(chat.messages).toEqual(["dddddddd ddddddddd", "eeeeeeee eeeeeeeee", "ffff"]);
    await writer.stop();
  });

  it.each([
    [true, ["Short"]],
    [false, ["Short", "…", "…"]],
  ])(
    "clears away messages it no longer needs (deleting allowed: %s)",
    async (mayDelete, expected) => {
      const { clock, chat, createWriter, finished } = setUp({ textLengthMax: 20 });
      chat.mayDelete = mayDelete;
      const writer = createWriter();
      writer.write("one two three four five six seven eight nine ten");
      await clock.advance(5000);
      expect(chat.messages).toHaveLength(3);
      await finished(writer.finish(final("Short")));
      expect(chat.messages).toEqual(expected);
      expect(chat.shown.slice(1).every(({ buttons }) => buttons.length === 0)).toBe(true);
      expect(chat.rateLimited).toBe(0);
    },
  );

  it("counts a message as cleared away that is gone already", async () => {
    const { clock, chat, createWriter, finished } = setUp({ textLengthMax: 20 });
    const writer = createWriter();
    writer.write("one two three four five six");
    await clock.advance(5000);
    chat.failNext("message_gone", { on: "deleteMessage" });
    await finished(writer.finish(final("Short")));
    expect(chat.messages[0]).toBe("Short");
  });
});

describe("ReplyWriter when the platform fails", () => {
  it("sends a part anew whose message is gone", async () => {
    const { clock, chat, saved, createWriter, finished } = setUp();
    const writer = createWriter();
    writer.write("One");
    await clock.advance(1000);
    chat.removeMessage("1");
    writer.write("One two");
    await clock.advance(2000);
    expect(chat.messages).toEqual(["One two"]);
    chat.removeMessage("2");
    await finished(writer.finish(final("One two three")));
    expect(chat.shown).toMatchObject([{ id: "3", text: "One two three", format: "markdown" }]);
    expect(saved.map(({ id }) => id)).toEqual(["3"]);
  });

  it("stops previews without a word when the chat is gone, and finish says so", async () => {
    const { clock, chat, failures, createWriter } = setUp();
    const writer = createWriter();
    chat.closeChat(here);
    writer.write("One");
    await clock.advance(1000);
    writer.write("One two");
    await clock.advance(60_000);
    expect(chat.calls).toHaveLength(1);
    expect(failures.map(kindOf)).toEqual(["chat_gone"]);
    await expect(writer.finish(final("Done"))).rejects.toMatchObject({ kind: "chat_gone" });
  });

  it.each(["overloaded", "unreachable", "timeout", "rejected"] as const)(
    "backs off from previews that end with %s and shows newer text later",
    async (kind) => {
      const { clock, chat, createWriter, startMs } = setUp();
      const writer = createWriter();
      chat.failNext(kind, { times: 3 });
      for (let token = 1; token <= 100; token += 1) {
        writer.write("word ".repeat(token));
        await clock.advance(100);
      }
      expect(chat.calls.map(({ atMs }) => atMs - startMs).slice(0, 4)).toEqual([
        0, 1000, 3000, 7000,
      ]);
      expect(chat.messages).toHaveLength(1);
      await writer.stop();
    },
  );

  it("leaves the chat alone after five failures in a row, but not with the final text", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    const writer = createWriter();
    chat.failNext("overloaded", { times: 5 });
    for (let token = 1; token <= 1000; token += 1) {
      writer.write("word ".repeat(token));
      await clock.advance(100);
    }
    expect(chat.calls).toHaveLength(5);
    await finished(writer.finish(final("Done")));
    expect(chat.messages).toEqual(["Done"]);
  });

  it("tries a final text again for a while", async () => {
    const { chat, createWriter, finished } = setUp();
    chat.failNext("timeout", { times: 4 });
    await finished(createWriter().finish(final("Done")));
    expect(chat.messages).toEqual(["Done"]);
    expect(chat.calls).toHaveLength(5);
  });

  it("throws what can be tried later when it does not get through, and then goes on", async () => {
    const { chat, createWriter, finished } = setUp({ textLengthMax: 20 });
    const writer = createWriter();
    const text = "one two three four five six";
    await finished(writer.finish(final("one")));
    chat.failNext("unreachable", { on: "send", times: 5 });
    await expect(finished(writer.finish(final(text)))).rejects.toMatchObject({
      kind: "unreachable",
      retryable: true,
    });
    const before = chat.calls.length;
    await finished(writer.finish(final(text)));
    expect(chat.messages).toEqual(["one two three four", "five six"]);
    // The first message had everything already but for its button.
    expect(chat.calls.length - before).toBeLessThanOrEqual(2);
  });

  it("waits out a rate limit with the final text, however often", async () => {
    const { chat, createWriter, finished, callTimes } = setUp();
    chat.failNext("rate_limited", { times: 3, retryAfterMs: 7000 });
    await finished(createWriter().finish(final("Done")));
    expect(callTimes()).toEqual([0, 7000, 14_000, 21_000]);
    expect(chat.messages).toEqual(["Done"]);
  });

  it("does not try again what the platform rejects", async () => {
    const { chat, createWriter, finished } = setUp();
    chat.failNext("rejected");
    await expect(finished(createWriter().finish(final("Done")))).rejects.toMatchObject({
      kind: "rejected",
    });
    expect(chat.calls).toHaveLength(1);
  });

  it("sends nothing more once it is stopped", async () => {
    const { clock, chat, createWriter } = setUp();
    const writer = createWriter();
    writer.write("One");
    await clock.advance(500);
    writer.write("One two");
    const finishing = writer.finish(final("Done"));
    const refused = expect(finishing).rejects.toMatchObject({
      kind: "unreachable",
      retryable: true,
    });
    await writer.stop();
    await refused;
    await expect(writer.finish(final("Done"))).rejects.toMatchObject({ kind: "unreachable" });
    await clock.advance(60_000);
    expect(chat.messages).toEqual(["One"]);
    expect(clock.sleepers).toBe(0);
  });

  it("waits until the id of a new message is saved before it goes on", async () => {
    const { clock, chat, createWriter, finished } = setUp();
    const release = Promise.withResolvers<void>();
    const writer = createWriter({ onSent: () => release.promise });
    writer.write("One");
    await clock.advance(2000);
    writer.write("One two");
    await clock.advance(2000);
    const finishing = writer.finish(final("Done"));
    await clock.advance(2000);
    expect(chat.calls).toHaveLength(1);
    release.resolve();
    await finished(finishing);
    expect(chat.messages).toEqual(["Done"]);
  });

  it("sends no second message when an id could not be saved, but saves it first", async () => {
    const { clock, chat, failures, createWriter, finished } = setUp();
    let isDatabaseUp = false;
    const positions: number[] = [];
    const writer = createWriter({
      onSent: async (position) => {
        if (!isDatabaseUp) throw new Error("database is down");
        positions.push(position);
      },
    });
    writer.write("One");
    await clock.advance(2000);
    expect(failures).toHaveLength(1);
    await expect(finished(writer.finish(final("Done")))).rejects.toThrow("database is down");
    isDatabaseUp = true;
    await finished(writer.finish(final("Done")));
    expect(positions).toEqual([0]);
    expect(chat.messages).toEqual(["Done"]);
  });

  it("follows a chat that has moved", async () => {
    const { clock, chat, createWriter, finished } = setUp({ textLengthMax: 20 });
    const moved = { ...here, channel: "-100" };
    const send = chat.send.bind(chat);
    const targets: string[] = [];
    chat.send = (to, message) => {
      targets.push(to.channel);
      return send(moved, message);
    };
    const writer = createWriter();
    writer.write("one");
    await clock.advance(2000);
    await finished(writer.finish(final("one two three four five six")));
    expect(chat.messagesIn(moved)).toEqual(["one two three four", "five six"]);
    expect(targets).toEqual(["1", "-100"]);
    expect(
      chat.calls.filter(({ kind }) => kind === "edit").every(({ address }) => address === moved),
    ).toBe(true);
  });

  it("ends exactly and without being too fast, whatever fails on the way", async () => {
    const step = fc.record({
      words: fc.integer({ min: 0, max: 12 }),
      afterMs: fc.integer({ min: 0, max: 2500 }),
      failure: fc.option(
        fc.record({
          kind: fc.constantFrom(
            "overloaded",
            "timeout",
            "message_gone",
            "rejected",
            "rate_limited",
          ),
          retryAfterMs: fc.integer({ min: 1, max: 9000 }),
        }),
        { freq: 5 },
      ),
      startsAnew: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.boolean(),
        fc.integer({ min: 20, max: 80 }),
        async (steps, isDirect, textLengthMax) => {
          const { clock, chat, failures, saved, createWriter, finished } = setUp({ textLengthMax });
          if (!isDirect) chat.groups.add(here.channel);
          let writer = createWriter({ isDirect });
          writer.showPlaceholder();
          let text = "";
          for (const { words, afterMs, failure, startsAnew } of steps) {
            if (failure)
              chat.failNext(failure.kind, { on: "edit", retryAfterMs: failure.retryAfterMs });
            if (startsAnew && words === 0) {
              await writer.stop();
              writer = createWriter({ isDirect, existing: saved.filter(Boolean) });
              text = "";
            }
            text += "some `words` ".repeat(words);
            writer.write(text);
            await clock.advance(afterMs);
          }
          // What was injected and not used up belongs to previews.
          chat.clearFailures();
          // A new process does not know when the old one made its last edit.
          await clock.advance(5000);
          const injected = failures.filter((error) => kindOf(error) === "rate_limited").length;
          await finished(writer.finish(final(`${text}\n\nEnd.`)));
          expect(chat.rateLimited - injected).toBeLessThanOrEqual(0);
          const parts = splitMarkdown(`${text}\n\nEnd.`, {
            lengthMax: textLengthMax,
            bytesMax: null,
          });
          expect(saved.slice(0, parts.length).map(({ id }) => chat.textOf(id))).toEqual(parts);
          const ids = saved.slice(0, parts.length).map(({ id }) => id);
          const ours = chat.shown.filter(({ id }) => ids.includes(id));
          expect(ours.every(({ format }) => format === "markdown")).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("ReplyWriter where messages cannot be edited", () => {
  it("shows typing while the answer is written and then sends it once", async () => {
    const { clock, chat, createWriter, finished } = setUp(noEdit);
    const writer = createWriter();
    writer.showPlaceholder();
    for (let token = 1; token <= 100; token += 1) {
      writer.write("word ".repeat(token));
      await clock.advance(100);
    }
    expect(chat.messages).toEqual([]);
    // Ten seconds, renewed every four.
    expect(chat.typings).toBe(3);
    await finished(writer.finish(final("All done")));
    expect(chat.shown).toMatchObject([
      { text: "All done", format: "markdown", replyTo: "question" },
    ]);
    await clock.advance(60_000);
    expect(chat.typings).toBe(3);
    expect(clock.sleepers).toBe(0);
  });

  it("shows no typing where there is none, and gives up where it is refused", async () => {
    const without = setUp({ ...noEdit, typingMs: null });
    const silent = without.createWriter();
    silent.showPlaceholder();
    await without.clock.advance(10_000);
    expect(without.chat.calls).toEqual([]);
    await silent.stop();

    const refused = setUp(noEdit);
    refused.chat.failNext("rejected", { on: "showTyping" });
    const writer = refused.createWriter();
    writer.showPlaceholder();
    await refused.clock.advance(60_000);
    expect(refused.chat.calls).toHaveLength(1);
    await writer.stop();
  });

  it("sends a long answer in a few pieces, in order and at the pace of the chat", async () => {
    const { chat, createWriter, finished } = setUp({ ...noEdit, textLengthMax: 1000 });
    const paragraphs = Array.from(
      { length: 12 },
      (_, index) => `${index} ${"word ".repeat(50).trim()}`,
    );
    const text = paragraphs.join("\n\n");
    expect(await finished(createWriter().finish(final(text)))).toBe(true);
    expect(chat.messages.length).toBeGreaterThanOrEqual(4);
    expect(chat.messages.length).toBeLessThanOrEqual(5);
    expect(chat.messages.join("\n\n")).toBe(text);
    expect(chat.rateLimited).toBe(0);
    expect(chat.shown.map(({ buttons }) => buttons.length)).toEqual([
      ...chat.messages.slice(1).map(() => 0),
      1,
    ]);
  });

  describe("where only so many messages may follow one of the person's", () => {
    const limited = { ...noEdit, textLengthMax: 46, sendsPerMessageMax: 4 };
    const text = Array.from(
      { length: 8 },
      (_, index) => `${index} ${"word ".repeat(6).trim()}`,
    ).join("\n\n");

    it("keeps one in hand, says that there is more, and goes on when the person writes", async () => {
      const { chat, saved, createWriter, finished } = setUp(limited);
      expect(await finished(createWriter().finish(final(text)))).toBe(false);
      expect(chat.messages).toHaveLength(3);
      expect(chat.messages.at(-1)).toMatch(/\n\nmore$/);
      expect(await chat.sendsLeft()).toBe(1);

      chat.personWrites();
      // Another process may do that: all it knows are the messages that were saved.
      expect(await finished(createWriter({ existing: [...saved] }).finish(final(text)))).toBe(
        false,
      );
      chat.personWrites();
      expect(await finished(createWriter({ existing: [...saved] }).finish(final(text)))).toBe(true);
      const shown = chat.messages.map((message) => message.replace(/\n\nmore$/, ""));
      expect(shown.join("\n\n")).toBe(text);
      expect(chat.calls.filter(({ refused }) => refused !== null)).toEqual([]);
    });

    it("sends nothing while the window is closed", async () => {
      const { chat, createWriter, finished } = setUp({ ...limited, sendsPerMessageMax: 1 });
      expect(await finished(createWriter().finish(final("Hello")))).toBe(true);
      expect(await finished(createWriter().finish(final("Again")))).toBe(false);
      expect(chat.calls).toHaveLength(1);
    });

    it("stops where something else took the room meanwhile", async () => {
      const { chat, saved, createWriter, finished } = setUp(limited);
      chat.failNext("window_closed");
      expect(await finished(createWriter().finish(final("Hello")))).toBe(false);
      expect(await finished(createWriter({ existing: saved }).finish(final("Hello")))).toBe(true);
      expect(chat.messages).toEqual(["Hello"]);
    });

    it("keeps the byte limit with the note", async () => {
      const { chat, createWriter, finished } = setUp({ ...limited, textBytesMax: 60 });
      const writer = createWriter({ restText: "回复“继续”查看余下内容" });
      expect(await finished(writer.finish(final("汉字。".repeat(60))))).toBe(false);
      expect(chat.messages).toHaveLength(3);
      expect(chat.messages.at(-1)).toContain("继续");
    });
  });

  it("goes on behind the pieces that an earlier process sent", async () => {
    const { clock, chat, saved, createWriter, finished } = setUp({ ...noEdit, textLengthMax: 40 });
    const text = Array.from(
      { length: 4 },
      (_, index) => `${index} ${"word ".repeat(6).trim()}`,
    ).join("\n\n");
    const first = createWriter();
    const stopped = expect(first.finish(final(text))).rejects.toMatchObject({
      kind: "unreachable",
    });
    await clock.advance(100);
    await first.stop();
    await stopped;
    // The burst of two went out, the rest had to wait.
    expect(chat.messages).toHaveLength(2);
    await finished(createWriter({ existing: [...saved] }).finish(final(text)));
    expect(chat.messages.join("\n\n")).toBe(text);
  });

  it("writes a new message once the old one can no longer be edited", async () => {
    const { clock, chat, createWriter, finished } = setUp({
      edit: {
        directIntervalMsMin: 1000,
        groupIntervalMsMin: 3000,
        windowMs: 10_000,
        style: "edit",
      },
    });
    const writer = createWriter();
    writer.write("One");
    await clock.advance(9999);
    writer.write("One two");
    await clock.advance(2000);
    writer.write("One two three");
    await clock.advance(2000);
    expect(chat.messages).toEqual(["One two", "One two three"]);
    await clock.advance(20_000);
    await finished(writer.finish(final("One two three")));
    // Only formatting is missing: not worth a third message.
    expect(chat.messages).toEqual(["One two", "One two three"]);
    expect(chat.calls.every(({ refused }) => refused === null)).toBe(true);
  });
});
