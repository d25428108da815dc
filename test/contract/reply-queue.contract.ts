import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BotKey, Delivery, ReplyQueue } from "../../src/core/reply-queue.ts";

export interface QueueWork {
  generate(replyId: string): Promise<void>;
  deliver(delivery: Delivery, bot: BotKey): Promise<void>;
}

/** A queue together with something that works it off. */
export interface QueueUnderTest extends AsyncDisposable {
  readonly queue: ReplyQueue;
  /** Runs replies, and the deliveries of these bots, from now on. */
  work(bots: readonly BotKey[], work: QueueWork): void;
}

const telegram: BotKey = { platform: "telegram", bot: "42" };
const wechat: BotKey = { platform: "wechat", bot: "shop:a@im.wechat" };
const WAIT = { timeout: 10_000, interval: 10 };

/** What any queue must do, wherever its jobs are kept. */
export function replyQueueContract(name: string, create: () => Promise<QueueUnderTest>): void {
  describe(`${name} keeps the reply queue contract`, () => {
    let underTest: QueueUnderTest;
    let runs: string[];
    let onRun: (run: string) => Promise<void>;

    beforeEach(async () => {
      underTest = await create();
      runs = [];
      onRun = async () => {};
    });
    afterEach(() => underTest[Symbol.asyncDispose]());

    const run = async (what: string): Promise<void> => {
      runs.push(what);
      await onRun(what);
    };
    const work = (bots: readonly BotKey[]): void =>
      underTest.work(bots, {
        generate: (replyId) => run(`generate ${replyId}`),
        deliver: ({ kind, id }, bot) => run(`deliver ${kind} ${id} on ${bot.platform} ${bot.bot}`),
      });
    const untilRun = (what: string) => vi.waitFor(() => expect(runs).toContain(what), WAIT);
    /** Whatever was added before has begun when this returns. */
    const untilCaughtUp = async (): Promise<void> => {
      const last = randomUUID();
      await underTest.queue.addReply(last);
      await untilRun(`generate ${last}`);
    };
    const countOf = (what: string): number => runs.filter((one) => one === what).length;

    it("runs what was added before there was a worker, and after", async () => {
      const [before, after] = [randomUUID(), randomUUID()];
      await underTest.queue.addReply(before);
      work([]);
      await untilRun(`generate ${before}`);
      await underTest.queue.addReply(after);
      await untilRun(`generate ${after}`);
    });

    it("runs once what is added twice while it waits", async () => {
      const id = randomUUID();
      await Promise.all(Array.from({ length: 20 }, () => underTest.queue.addReply(id)));
      work([]);
      await untilCaughtUp();
      expect(countOf(`generate ${id}`)).toBe(1);
    });

    it("runs once what is added again while it runs", async () => {
      const id = randomUUID();
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      onRun = (what) => (what === `generate ${id}` ? ended : Promise.resolve());
      work([]);
      await underTest.queue.addReply(id);
      await untilRun(`generate ${id}`);
      await underTest.queue.addReply(id);
      end();
      await untilCaughtUp();
      await untilCaughtUp();
      expect(countOf(`generate ${id}`)).toBe(1);
    });

    it("runs again what is added again after it ended", async () => {
      const id = randomUUID();
      work([]);
      await underTest.queue.addReply(id);
      await untilRun(`generate ${id}`);
      await expect
        .poll(async () => {
          await underTest.queue.addReply(id);
          return countOf(`generate ${id}`);
        }, WAIT)
        .toBeGreaterThanOrEqual(2);
    });

    it("brings a delivery to its own bot, and keeps what has no worker yet", async () => {
      const [first, second] = [randomUUID(), randomUUID()];
      await underTest.queue.addDelivery(telegram, { kind: "reply", id: first });
      await underTest.queue.addDelivery(wechat, { kind: "reply", id: second });
      work([wechat]);
      await untilRun(`deliver reply ${second} on wechat shop:a@im.wechat`);
      await untilCaughtUp();
      expect(runs.filter((one) => one.includes(first))).toEqual([]);
      work([telegram]);
      await untilRun(`deliver reply ${first} on telegram 42`);
    });

    it("takes a reply and a notice of the same id for two", async () => {
      const id = randomUUID();
      work([telegram]);
      await underTest.queue.addDelivery(telegram, { kind: "reply", id });
      await underTest.queue.addDelivery(telegram, { kind: "notice", id });
      await untilRun(`deliver reply ${id} on telegram 42`);
      await untilRun(`deliver notice ${id} on telegram 42`);
    });
  });
}
