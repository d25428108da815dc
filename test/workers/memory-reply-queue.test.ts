import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { replyQueueContract } from "../contract/reply-queue.contract.ts";
import { MemoryReplyQueue } from "../fakes/memory-reply-queue.ts";

replyQueueContract("MemoryReplyQueue", async () => {
  const queue = new MemoryReplyQueue();
  const loops: Promise<void>[] = [];
  let isStopped = false;
  return {
    queue,
    work(bots, work) {
      const repeat = async (run: () => Promise<void>): Promise<void> => {
        while (!isStopped) {
          await run();
          await setImmediate();
        }
      };
      loops.push(repeat(() => queue.runReplies((replyId) => work.generate(replyId))));
      for (const bot of bots) {
        loops.push(repeat(() => queue.runDeliveries(bot, (one) => work.deliver(one, bot))));
      }
    },
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await Promise.all(loops);
    },
  };
});

it("refuses jobs while it is taken away", async () => {
  const queue = new MemoryReplyQueue();
  queue.isReachable = false;
  await expect(queue.addReply("1")).rejects.toMatchObject({ party: "queue", kind: "unreachable" });
  expect(queue.replies).toEqual([]);
});
