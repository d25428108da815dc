import type { Job } from "bullmq";
import { expect, it } from "vitest";
import { OutsideError, UserError } from "../../src/core/errors.ts";
import { deliverReplyWorker } from "../../src/workers/deliver-reply.worker.ts";
import { DELIVER_REPLY_OPTIONS } from "../../src/workers/jobs.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const data = { kind: "reply", id: "0190a5a0-0000-7000-8000-000000000001" };

it.each([
  [new Error("cached plan must not change result type"), 0],
  [new OutsideError("telegram", "unreachable"), 0],
  [new OutsideError("telegram", "rejected"), 1],
  [new UserError("try_later"), 1],
])("a delivery that fails with %s is given up at once: %i", async (error, givenUpTimes) => {
  const givenUp: unknown[] = [];
  const worker = deliverReplyWorker(
    {
      run: async () => {
        throw error;
      },
      giveUp: async (_delivery, reason) => void givenUp.push(reason),
    },
    new RecordedLog(),
  );
  const job = {
    ...{ data, opts: DELIVER_REPLY_OPTIONS },
    ...{ attemptsMade: 0, attemptsStarted: 1, stalledCounter: 0 },
  };
  const run = worker(job as unknown as Job<unknown>, "token", new AbortController().signal);
  await expect(run).rejects.toThrow();
  expect(givenUp).toHaveLength(givenUpTimes);
});
