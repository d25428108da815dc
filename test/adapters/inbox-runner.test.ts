import { describe, expect, it } from "vitest";
import { InboxRunner } from "../../src/adapters/shared/inbox-runner.ts";
import type { Overtakes } from "../../src/adapters/shared/overtakes.ts";
import { OutsideError, UserError } from "../../src/core/errors.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

interface Payload {
  readonly lane: string;
  readonly text: string;
  readonly person?: string;
  readonly overtakes?: Overtakes;
  readonly batch?: string;
}

/** Lets a test decide when the handling of a text ends, and how. */
class Handler {
  readonly started: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  readonly #failures = new Map<string, Error[]>();

  hold(text: string): void {
    this.#gates.set(text, Promise.withResolvers());
  }

  release(text: string): void {
    this.#gates.get(text)?.resolve();
  }

  failWith(text: string, ...errors: Error[]): void {
    this.#failures.set(text, errors);
  }

  async handle(payloads: readonly unknown[]): Promise<void> {
    const text = (payloads as Payload[]).map((payload) => payload.text).join("+");
    this.started.push(text);
    await this.#gates.get(text)?.promise;
    const error = this.#failures.get(text)?.shift();
    if (error !== undefined) throw error;
  }
}

function setUp(inbox = new MemoryInbox()) {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const handler = new Handler();
  const runner = new InboxRunner({
    platform: "test",
    bot: "1",
    store: inbox,
    clock,
    log,
    route: (payload) => {
      const { lane, person = "ann", overtakes = "nothing", batch = null } = payload as Payload;
      return { lane, person, overtakes, batch };
    },
    handle: (payloads) => handler.handle(payloads),
  });
  let saved = inbox.events.length;
  const arrive = async (...payloads: Payload[]): Promise<void> => {
    const events = payloads.map((payload) => {
      saved += 1;
      return { eventId: String(saved), payload };
    });
    runner.accept(await inbox.save("test", "1", events));
    await clock.settle();
  };
  return { clock, log, handler, inbox, runner, arrive };
}

const texts = (count: number, text: (index: number) => Payload) =>
  Array.from({ length: count }, (_, index) => text(index));

describe("InboxRunner, in order", () => {
  it("handles the events of one lane one after the other", async () => {
    const { handler, clock, arrive } = setUp();
    handler.hold("one");
    await arrive({ lane: "a", text: "one" }, { lane: "a", text: "two" });
    await arrive({ lane: "a", text: "three" });
    expect(handler.started).toEqual(["one"]);
    handler.release("one");
    await clock.settle();
    expect(handler.started).toEqual(["one", "two", "three"]);
  });

  it("handles other lanes meanwhile", async () => {
    const { handler, arrive } = setUp();
    handler.hold("slow");
    await arrive({ lane: "a", text: "slow" }, { lane: "b", text: "quick" });
    expect(handler.started).toEqual(["slow", "quick"]);
  });

  it("works on 64 lanes at once and lets the 65th wait", async () => {
    const { handler, clock, arrive } = setUp();
    for (let index = 0; index < 65; index += 1) handler.hold(`${index}`);
    await arrive(...texts(65, (index) => ({ lane: `${index}`, text: `${index}` })));
    expect(handler.started).toHaveLength(64);
    handler.release("0");
    await clock.settle();
    expect(handler.started).toHaveLength(65);
  });

  it("lets a command overtake questions although every place is taken", async () => {
    const { handler, arrive } = setUp();
    for (let index = 0; index < 64; index += 1) handler.hold(`${index}`);
    await arrive(...texts(64, (index) => ({ lane: `${index}`, text: `${index}` })));
    await arrive({ lane: "0", text: "/new", overtakes: "questions" });
    expect(handler.started.at(-1)).toBe("/new");
  });

  it("handles the commands of one person in a lane one after the other", async () => {
    const { handler, clock, arrive } = setUp();
    handler.hold("/drain on");
    await arrive({ lane: "a", text: "/drain on", overtakes: "questions" });
    await arrive({ lane: "a", text: "/drain off", overtakes: "questions" });
    await arrive({ lane: "a", person: "bob", text: "/usage", overtakes: "questions" });
    await arrive({ lane: "b", text: "/balance", overtakes: "questions" });
    expect(handler.started).toEqual(["/drain on", "/usage", "/balance"]);
    handler.release("/drain on");
    await clock.settle();
    expect(handler.started).toEqual(["/drain on", "/usage", "/balance", "/drain off"]);
  });

  it("lets /stop overtake everything", async () => {
    const { handler, arrive } = setUp();
    handler.hold("question");
    handler.hold("/cards");
    await arrive({ lane: "a", text: "question" });
    await arrive({ lane: "a", text: "/cards", overtakes: "questions" });
    await arrive({ lane: "a", text: "/stop", overtakes: "everything" });
    expect(handler.started).toEqual(["question", "/cards", "/stop"]);
  });

  it("leaves a command that waits for another to the next start when it drains", async () => {
    const { handler, runner, inbox, clock, arrive } = setUp();
    handler.hold("/drain on");
    await arrive({ lane: "a", text: "/drain on", overtakes: "questions" });
    await arrive({ lane: "a", text: "/drain off", overtakes: "questions" });
    const drained = runner.drain();
    handler.release("/drain on");
    await clock.settle();
    await drained;
    expect(handler.started).toEqual(["/drain on"]);
    const left = await inbox.listUnhandled("test", "1");
    expect(left.map(({ payload }) => payload)).toMatchObject([{ text: "/drain off" }]);
  });

  it("lets a question wait for a command that came before it in its lane", async () => {
    const { handler, clock, arrive } = setUp();
    handler.hold("/new");
    await arrive({ lane: "a", text: "/new", overtakes: "questions" }, { lane: "a", text: "hello" });
    expect(handler.started).toEqual(["/new"]);
    handler.release("/new");
    await clock.settle();
    expect(handler.started).toEqual(["/new", "hello"]);
  });
});

describe("InboxRunner, batches", () => {
  it("handles neighbours of one batch together, those that came a moment later too", async () => {
    const { handler, clock, arrive } = setUp();
    await arrive({ lane: "a", text: "1", batch: "x" }, { lane: "a", text: "2", batch: "x" });
    await clock.advance(500);
    await arrive({ lane: "a", text: "3", batch: "x" }, { lane: "a", text: "after" });
    await clock.advance(499);
    expect(handler.started).toEqual([]);
    await clock.advance(1);
    expect(handler.started).toEqual(["1+2+3", "after"]);
  });

  it("keeps batches and lanes apart", async () => {
    const { handler, clock, arrive } = setUp();
    await arrive({ lane: "a", text: "1", batch: "x" }, { lane: "a", text: "2", batch: "y" });
    await arrive({ lane: "b", text: "3", batch: "x" });
    await clock.advance(3_000);
    expect(handler.started.toSorted()).toEqual(["1", "2", "3"]);
  });

  it("marks every event of a batch as handled", async () => {
    const { clock, inbox, arrive } = setUp();
    await arrive({ lane: "a", text: "1", batch: "x" }, { lane: "a", text: "2", batch: "x" });
    await clock.advance(1_000);
    expect(await inbox.listUnhandled("test", "1")).toEqual([]);
  });
});

describe("InboxRunner, failures", () => {
  it("counts the attempt before handling and marks the event after", async () => {
    const { handler, clock, inbox, arrive } = setUp();
    handler.hold("hello");
    await arrive({ lane: "a", text: "hello" });
    expect(inbox.events).toMatchObject([{ attempts: 1, isHandled: false }]);
    handler.release("hello");
    await clock.settle();
    expect(inbox.events).toMatchObject([{ attempts: 1, isHandled: true, payload: null }]);
  });

  it("tries again after 1, 2, 4 and 8 seconds, then gives the event up", async () => {
    const { handler, clock, inbox, log, arrive } = setUp();
    handler.failWith("card CODE", ...Array.from({ length: 9 }, () => new Error("no database")));
    await arrive({ lane: "a", text: "card CODE" }, { lane: "a", text: "next" });
    for (const [pauseMs, attempts] of [
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
      [8_000, 5],
    ] as const) {
      await clock.advance(pauseMs - 1);
      expect(handler.started).toHaveLength(attempts - 1);
      await clock.advance(1);
      expect(handler.started.filter((text) => text === "card CODE")).toHaveLength(attempts);
    }
    expect(handler.started.at(-1)).toBe("next");
    expect(inbox.events).toMatchObject([{ attempts: 5, isHandled: true }, { isHandled: true }]);
    expect(log.lines.filter(({ level }) => level === "error")).toMatchObject([
      { sentence: "event given up", fields: { eventIds: ["1"] } },
    ]);
    expect(JSON.stringify(log.lines)).not.toContain("CODE");
  });

  it("goes on after a failure that passed", async () => {
    const { handler, clock, inbox, arrive } = setUp();
    handler.failWith("hello", new Error("once"));
    await arrive({ lane: "a", text: "hello" });
    await clock.advance(1_000);
    expect(handler.started).toEqual(["hello", "hello"]);
    expect(inbox.events).toMatchObject([{ attempts: 2, isHandled: true }]);
  });

  it("waits as long as a party told us", async () => {
    const { handler, clock, arrive } = setUp();
    handler.failWith("hello", new OutsideError("x", "rate_limited", { retryAfterMs: 30_000 }));
    await arrive({ lane: "a", text: "hello" });
    await clock.advance(29_999);
    expect(handler.started).toHaveLength(1);
    await clock.advance(1);
    expect(handler.started).toHaveLength(2);
  });

  it("does not repeat what was refused to the person", async () => {
    const { handler, clock, inbox, arrive } = setUp();
    handler.failWith("hello", new UserError("rate_limited"));
    await arrive({ lane: "a", text: "hello" });
    await clock.advance(60_000);
    expect(handler.started).toHaveLength(1);
    expect(inbox.events).toMatchObject([{ isHandled: true }]);
  });

  it("handles nothing whose attempt cannot be counted, until it can", async () => {
    const inbox = new MemoryInbox();
    const count = inbox.countAttempt.bind(inbox);
    inbox.countAttempt = () => Promise.reject(new Error("database is away"));
    await inbox.save("test", "1", [{ eventId: "9", payload: { lane: "a", text: "hello" } }]);
    const { handler, clock, runner } = setUp(inbox);
    await runner.start();
    await clock.advance(20_000);
    expect(handler.started).toEqual([]);
    inbox.countAttempt = count;
    await clock.advance(10_000);
    expect(handler.started).toEqual(["hello"]);
    expect(inbox.events).toMatchObject([{ attempts: 2, isHandled: true }]);
  });
});

describe("InboxRunner, start and stop", () => {
  it("takes up at its start what was left unhandled", async () => {
    const inbox = new MemoryInbox();
    const payload = { lane: "a", text: "left over" };
    await inbox.save("test", "1", [{ eventId: "9", payload }]);
    const { handler, clock, runner } = setUp(inbox);
    await runner.start();
    await clock.settle();
    expect(handler.started).toEqual(["left over"]);
  });

  it("gives up an event that crashed us five times, but not one that did four times", async () => {
    const inbox = new MemoryInbox();
    const payloads = ["five", "four"].map((text) => ({ lane: text, text }));
    const saved = await inbox.save(
      "test",
      "1",
      payloads.map((payload) => ({ eventId: payload.text, payload })),
    );
    for (const [index, { id }] of saved.entries()) {
      // Saving counted the first.
      for (let count = index + 1; count < 5; count += 1) await inbox.countAttempt(id);
    }
    const { handler, clock, runner } = setUp(inbox);
    await runner.start();
    await clock.settle();
    expect(handler.started).toEqual(["four"]);
    expect(inbox.events.every(({ isHandled }) => isHandled)).toBe(true);
  });

  it("waits for what runs when it drains, and leaves the rest for the next start", async () => {
    const { handler, clock, inbox, runner, arrive } = setUp();
    handler.hold("running");
    await arrive({ lane: "a", text: "running" }, { lane: "a", text: "waiting" });
    let isDrained = false;
    const drained = runner.drain().then(() => {
      isDrained = true;
    });
    await arrive({ lane: "b", text: "late" });
    await clock.settle();
    expect(isDrained).toBe(false);
    handler.release("running");
    await drained;
    expect(handler.started).toEqual(["running"]);
    expect(inbox.events.map(({ isHandled }) => isHandled)).toEqual([true, false, false]);
  });

  it("leaves an album that is still arriving for the next start when it drains", async () => {
    const { handler, inbox, runner, arrive } = setUp();
    await arrive({ lane: "a", text: "1", batch: "x" });
    await runner.drain();
    expect(handler.started).toEqual([]);
    expect(inbox.events).toMatchObject([{ isHandled: false }]);
  });

  it("does not sit out the pause before a repetition when it drains", async () => {
    const { handler, inbox, runner, arrive } = setUp();
    handler.failWith("hello", new Error("once"));
    await arrive({ lane: "a", text: "hello" });
    await runner.drain();
    expect(inbox.events).toMatchObject([{ attempts: 1, isHandled: false }]);
  });

  it("is full with 2000 events waiting, and has room again with 1999", async () => {
    const { handler, clock, runner, arrive } = setUp();
    handler.hold("0");
    await arrive(...texts(1_999, (index) => ({ lane: "a", text: `${index}` })));
    expect(runner.isFull).toBe(false);
    await arrive({ lane: "a", text: "last" });
    expect(runner.isFull).toBe(true);
    let hasRoom = false;
    const waiting = runner.waitForRoom(new AbortController().signal).then(() => {
      hasRoom = true;
    });
    await clock.advance(1_000);
    expect(hasRoom).toBe(false);
    handler.release("0");
    await clock.advance(50);
    await waiting;
    expect(runner.isFull).toBe(false);
  });
});
