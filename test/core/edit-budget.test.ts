import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BudgetedChat,
  type CallPriority,
  EditBudget,
} from "../../src/core/chat/edit-budget.ts";
import { FakeClock } from "../fakes/fake-clock.ts";

const chat = (channel: string, isDirect = true): BudgetedChat => ({
  address: { platform: "fake", bot: "bot", channel, thread: null },
  isDirect,
});
const here = chat("1");

/** A budget of one call a second in private chats and every three in groups. */
function setUp(burst = 1, callsPerSecondMax = Number.POSITIVE_INFINITY) {
  const clock = new FakeClock();
  const pace = { direct: { burst, refillMs: 1000 }, group: { burst, refillMs: 3000 } };
  const budget = new EditBudget(clock, pace, callsPerSecondMax);
  const startMs = clock.now().getTime();
  const calls: { name: string; atMs: number }[] = [];
  const call = async (
    name: string,
    priority: CallPriority,
    options: { in?: BudgetedChat; signal?: AbortSignal; delayMs?: number } = {},
  ): Promise<boolean> => {
    const mayCall = await budget.turn(
      options.in ?? here,
      priority,
      options.signal,
      options.delayMs,
    );
    if (mayCall) calls.push({ name, atMs: clock.now().getTime() - startMs });
    return mayCall;
  };
  const times = () => calls.map(({ name, atMs }) => `${name} ${atMs}`);
  return { clock, budget, call, calls, times };
}

describe("EditBudget", () => {
  it("lets a burst go at once after a quiet time and then one call a refill", async () => {
    const { clock, call, calls } = setUp(3);
    for (let index = 0; index < 5; index += 1) void call("edit", "final");
    await clock.advance(10_000);
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 0, 0, 1000, 2000]);
  });

  it("lets a preview that takes the last token wait a moment, and so earns a spare one", async () => {
    const { clock, call, calls } = setUp(2);
    const stream = async () => {
      for (let index = 0; index < 20; index += 1) {
        await call("preview", "preview", { delayMs: index === 0 ? 0 : 1000 });
      }
    };
    await call("final", "final");
    void stream();
    await clock.advance(60_000);
    const gaps = calls.slice(2).map(({ atMs }, index) => atMs - (calls[index + 1]?.atMs ?? 0));
    // The token that the final took is there again after twelve waits of 80 ms, counting the
    // first preview's, and one of 40.
    expect(gaps).toEqual([...Array(11).fill(1080), 1040, ...Array(7).fill(1000)]);
  });

  it("counts groups by their own pace and each chat for itself", async () => {
    const { clock, call, times } = setUp();
    const group = chat("2", false);
    for (let index = 0; index < 2; index += 1) {
      void call("private", "preview");
      void call("group", "preview", { in: group });
    }
    await clock.advance(10_000);
    expect(times()).toEqual(["private 0", "group 0", "private 1000", "group 3000"]);
  });

  it("counts the topics of a group together", async () => {
    const { clock, call, times } = setUp();
    const topic = (thread: string) => ({
      ...here,
      address: { ...here.address, thread },
    });
    void call("first", "preview", { in: topic("7") });
    void call("second", "preview", { in: topic("8") });
    await clock.advance(10_000);
    expect(times()).toEqual(["first 0", "second 1000"]);
  });

  it("lets finals and commands go first, then new messages, then previews", async () => {
    const { clock, call, times } = setUp();
    await call("before", "preview");
    void call("preview", "preview");
    void call("placeholder", "placeholder");
    void call("final", "final");
    void call("command", "command");
    await clock.advance(10_000);
    expect(times()).toEqual([
      "before 0",
      "final 1000",
      "command 2000",
      "placeholder 3000",
      "preview 4000",
    ]);
  });

  it("lets formatting take turns with previews, and wait where those are dropped", async () => {
    const { clock, budget, call, times } = setUp();
    await call("before", "final");
    void call("preview", "preview");
    void call("formatting", "formatting");
    void call("preview", "preview");
    await clock.advance(1000);
    budget.pause(here.address, 5000);
    await clock.advance(10_000);
    expect(times()).toEqual(["before 0", "preview 1000", "formatting 6000"]);
  });

  it("keeps the last token for a final that waits out its interval", async () => {
    const { clock, call, times } = setUp(1);
    void call("final", "final", { delayMs: 700 });
    void call("preview", "preview");
    await clock.advance(10_000);
    expect(times()).toEqual(["final 700", "preview 1700"]);
  });

  it("lets a preview go before such a final when there is a token for both", async () => {
    const { clock, call, times } = setUp(2);
    void call("final", "final", { delayMs: 700 });
    void call("preview", "preview");
    await clock.advance(10_000);
    expect(times()).toEqual(["preview 0", "final 700"]);
  });

  it("lets the replies of one chat take turns", async () => {
    const { clock, call, calls } = setUp();
    const stream = async (name: string) => {
      for (let index = 0; index < 4; index += 1) await call(name, "preview");
    };
    void stream("a");
    void stream("b");
    await clock.advance(20_000);
    expect(calls.map(({ name }) => name).join("")).toBe("abababab");
  });

  it("drops typing that cannot be shown right now", async () => {
    const { clock, call, times } = setUp();
    expect(await call("typing", "typing")).toBe(true);
    expect(await call("typing", "typing")).toBe(false);
    void call("preview", "preview");
    await clock.advance(1000);
    await clock.advance(1000);
    void call("final", "final", { delayMs: 100 });
    expect(await call("typing", "typing")).toBe(false);
    await clock.advance(1000);
    expect(times()).toEqual(["typing 0", "preview 1000", "final 2100"]);
  });

  it("answers false to a call whose signal aborts, and spends nothing on it", async () => {
    const { clock, budget, call, times } = setUp();
    await call("first", "preview");
    const stop = new AbortController();
    const stopped = call("stopped", "final", { signal: stop.signal });
    const waiting = call("second", "preview");
    stop.abort();
    expect(await stopped).toBe(false);
    expect(await budget.turn(here, "final", stop.signal)).toBe(false);
    await clock.advance(1000);
    expect(await waiting).toBe(true);
    expect(times()).toEqual(["first 0", "second 1000"]);
  });

  it("makes no call in a pause, drops the previews that wait and sends finals after it", async () => {
    const { clock, budget, call, times } = setUp(3);
    await call("first", "command");
    await call("first", "command");
    await call("first", "command");
    const preview = call("dropped", "preview");
    const final = call("final", "final");
    budget.pause(here.address, 3000);
    expect(await preview).toBe(false);
    const later = call("later", "preview");
    await clock.advance(2999);
    expect(times()).toHaveLength(3);
    await clock.advance(10_000);
    expect(await final).toBe(true);
    expect(await later).toBe(true);
    expect(times().slice(3)).toEqual(["final 3000", "later 4080"]);
  });

  it("never shortens a pause, and pauses only that chat", async () => {
    const { clock, budget, call, times } = setUp();
    budget.pause(here.address, 5000);
    budget.pause(here.address, 1000);
    void call("here", "final");
    void call("there", "final", { in: chat("2") });
    await clock.advance(10_000);
    expect(times()).toEqual(["there 0", "here 5000"]);
  });

  it("shares the bot's calls a second among all chats, finals first", async () => {
    const { clock, call, calls } = setUp(1, 11);
    for (let index = 0; index < 30; index += 1) {
      void call(`preview ${index}`, "preview", { in: chat(`p${index}`) });
    }
    for (let index = 0; index < 3; index += 1) {
      void call("final", "final", { in: chat(`f${index}`) });
    }
    await clock.advance(60_000);
    expect(calls).toHaveLength(33);
    expect(calls.slice(1, 4).map(({ name }) => name)).toEqual(["final", "final", "final"]);
    expect(calls.slice(4).map(({ name }) => name)).toEqual(
      Array.from({ length: 29 }, (_, index) => `preview ${index + 1}`),
    );
    for (const { atMs } of calls) {
      const inSecond = calls.filter((other) => other.atMs >= atMs && other.atMs <= atMs + 1000);
      expect(inSecond.length).toBeLessThanOrEqual(11);
    }
  });

  it("treats chats alike that ask for more than the bot's limit allows", async () => {
    const { clock, call, calls } = setUp(1, 11);
    const stream = async (name: string, isDirect: boolean) => {
      for (let index = 0; index < 100; index += 1) {
        await call(name, "preview", { in: chat(name, isDirect), delayMs: isDirect ? 1000 : 3000 });
      }
    };
    for (let index = 0; index < 40; index += 1) void stream(`${index}`, index % 4 > 0);
    await clock.advance(60_000);
    const counts = Array.from(
      { length: 40 },
      (_, index) => calls.filter(({ name }) => name === `${index}`).length,
    );
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(calls.length).toBeGreaterThanOrEqual(58 * 10);
  });

  it("sends notices one by one and lets everything else go before them", async () => {
    const { clock, call, calls } = setUp(1);
    for (let index = 0; index < 100; index += 1) {
      void call("notice", "notice", { in: chat(`n${index}`) });
    }
    void call("notice", "notice");
    void call("preview", "preview");
    await clock.advance(1000);
    const notices = calls.filter(({ name }) => name === "notice");
    expect(notices.length).toBe(21);
    expect(calls.find(({ name }) => name === "preview")?.atMs).toBe(0);
    await clock.advance(60_000);
    expect(calls).toHaveLength(102);
  });

  it("uses what the bot's limit allows", async () => {
    const { clock, call, calls } = setUp(1, 30);
    for (let index = 0; index < 2000; index += 1)
      void call("call", "final", { in: chat(`${index}`) });
    await clock.advance(60_000);
    expect(calls.length).toBeGreaterThanOrEqual(0.96 * 30 * 60);
    expect(calls.length).toBeLessThanOrEqual(30 * 60);
  });

  it("costs one timer, however many wait, and none when nobody does", async () => {
    const { clock, call } = setUp();
    const stop = new AbortController();
    for (let index = 0; index < 50; index += 1) {
      void call("call", "preview", { in: chat(`${index % 10}`), signal: stop.signal });
    }
    await clock.settle();
    expect(clock.sleepers).toBe(1);
    stop.abort();
    await clock.settle();
    expect(clock.sleepers).toBe(0);
  });

  it("forgets chats that are idle", async () => {
    const { clock, budget, call } = setUp();
    for (let index = 0; index < 10_000; index += 1) {
      await call("call", "preview", { in: chat(`${index}`) });
      if (index % 100 === 0) await clock.advance(1000);
    }
    expect(budget.size).toBeLessThan(600);
  });

  it("goes on when the wall clock is set back", async () => {
    const { clock, call, calls } = setUp();
    await call("first", "preview");
    void call("second", "final");
    clock.jumpTo(new Date(clock.now().getTime() - 3_600_000));
    void call("third", "final");
    await clock.advance(2000);
    expect(calls.map(({ name }) => name)).toEqual(["first", "second", "third"]);
  });

  it("never exceeds burst + W / refill in any window, whoever asks when", async () => {
    const ask = fc.record({
      afterMs: fc.integer({ min: 0, max: 4000 }),
      priority: fc.constantFrom<CallPriority>(
        "final",
        "command",
        "placeholder",
        "preview",
        "typing",
      ),
      delayMs: fc.constantFrom(0, 0, 500, 3100),
      pauseMs: fc.constantFrom(0, 0, 0, 0, 5000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 300, max: 3500 }),
        fc.array(ask, { maxLength: 60 }),
        async (burst, refillMs, asks) => {
          const clock = new FakeClock();
          const budget = new EditBudget(
            clock,
            { direct: { burst, refillMs }, group: { burst, refillMs } },
            Number.POSITIVE_INFINITY,
          );
          const madeAtMs: number[] = [];
          let blockedUntilMs = 0;
          const answers: Promise<boolean>[] = [];
          for (const { afterMs, priority, delayMs, pauseMs } of asks) {
            await clock.advance(afterMs);
            if (pauseMs > 0) {
              budget.pause(here.address, pauseMs);
              blockedUntilMs = Math.max(blockedUntilMs, clock.now().getTime() + pauseMs);
            }
            const answer = budget.turn(here, priority, undefined, delayMs);
            void answer.then((mayCall) => {
              if (!mayCall) return;
              madeAtMs.push(clock.now().getTime());
              expect(clock.now().getTime()).toBeGreaterThanOrEqual(blockedUntilMs);
            });
            answers.push(answer);
          }
          await clock.advance(1_000_000);
          // Every caller is answered in the end.
          await Promise.all(answers);
          for (const [index, fromMs] of madeAtMs.entries()) {
            for (const [later, toMs] of madeAtMs.entries()) {
              if (later < index) continue;
              expect(later - index + 1).toBeLessThanOrEqual(
                burst + (toMs - fromMs) / refillMs + 1e-9,
              );
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
