import { DelayedError, type Job, UnrecoverableError, WaitingError } from "bullmq";
import { describe, expect, it } from "vitest";
import { OutsideError } from "../../src/core/errors.ts";
import {
  type GenerateReply,
  generateReplyWorker,
} from "../../src/workers/generate-reply.worker.ts";
import { STALLED_COUNT_MAX } from "../../src/workers/jobs.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

const replyId = "0190a5a0-0000-7000-8000-000000000001";

/** A job as a worker has it in hand; `moves` is what it told the queue. */
class FakeJob {
  readonly id = replyId;
  readonly data = { replyId };
  readonly opts = { attempts: 4 };
  readonly moves: string[] = [];
  attemptsMade = 0;
  attemptsStarted = 1;
  stalledCounter = 0;

  constructor(
    state: Partial<Pick<FakeJob, "attemptsMade" | "attemptsStarted" | "stalledCounter">>,
  ) {
    Object.assign(this, state);
  }

  async moveToWait(token: string): Promise<void> {
    this.moves.push(`wait ${token}`);
  }

  async moveToDelayed(_timestamp: number, token: string): Promise<void> {
    this.moves.push(`delayed ${token}`);
  }
}

async function runOnce(
  { run, giveUp }: { run: GenerateReply["run"]; giveUp?: () => Promise<void> },
  state: ConstructorParameters<typeof FakeJob>[0] = {},
  signal: AbortSignal = new AbortController().signal,
) {
  const job = new FakeJob(state);
  const givenUp: unknown[] = [];
  const worker = generateReplyWorker(
    {
      run,
      async giveUp(_replyId, error) {
        givenUp.push(error);
        await giveUp?.();
      },
    },
    new RecordedLog(),
  );
  const outcome = await worker(job as unknown as Job<unknown>, "token", signal).catch(
    (error: unknown) => error,
  );
  return { outcome, givenUp, moves: job.moves };
}

const failing = (error: Error) => async () => {
  throw error;
};

describe("a job that generates", () => {
  it("waits as long as it is asked to, up to a minute", async () => {
    const error = new OutsideError("upstream", "rate_limited", { retryAfterMs: 60_000 });
    const { outcome, givenUp } = await runOnce({ run: failing(error) });
    expect(outcome).toBe(error);
    expect(givenUp).toEqual([]);
  });

  it("is given up when it would have to wait longer", async () => {
    const error = new OutsideError("upstream", "rate_limited", { retryAfterMs: 60_001 });
    const { outcome, givenUp } = await runOnce({ run: failing(error) });
    expect(outcome).toBeInstanceOf(UnrecoverableError);
    expect(givenUp).toEqual([error]);
  });

  it("is tried again after the last but one attempt, and given up after the last", async () => {
    const error = new OutsideError("upstream", "timeout");
    const lastButOne = await runOnce({ run: failing(error) }, { attemptsMade: 2 });
    expect(lastButOne).toMatchObject({ outcome: error, givenUp: [] });
    const last = await runOnce({ run: failing(error) }, { attemptsMade: 3 });
    expect(last).toMatchObject({ outcome: expect.any(UnrecoverableError), givenUp: [error] });
  });

  it("is given up without a run once it outlived too many workers", async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
    };
    const alive = await runOnce({ run }, { stalledCounter: STALLED_COUNT_MAX });
    expect(alive).toMatchObject({ outcome: undefined, givenUp: [] });
    expect(runs).toBe(1);
    const deadly = await runOnce({ run }, { stalledCounter: STALLED_COUNT_MAX + 1 });
    expect(deadly.givenUp).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it("goes back to the queue when it was interrupted, whatever it threw", async () => {
    const abort = new AbortController();
    const { outcome, givenUp, moves } = await runOnce(
      {
        async run() {
          abort.abort();
          throw new OutsideError("upstream", "rejected");
        },
      },
      { attemptsMade: 3 },
      abort.signal,
    );
    expect(outcome).toBeInstanceOf(WaitingError);
    expect(moves).toEqual(["wait token"]);
    expect(givenUp).toEqual([]);
  });

  it("is done when it ends although it was interrupted", async () => {
    const abort = new AbortController();
    const { outcome, moves } = await runOnce({ run: async () => abort.abort() }, {}, abort.signal);
    expect(outcome).toBeUndefined();
    expect(moves).toEqual([]);
  });

  it("does not begin when it is interrupted before", async () => {
    let runs = 0;
    const { outcome } = await runOnce(
      {
        run: async () => {
          runs += 1;
        },
      },
      {},
      AbortSignal.abort(),
    );
    expect(outcome).toBeInstanceOf(WaitingError);
    expect(runs).toBe(0);
  });

  it("stays in the queue while giving up fails, for a limited number of starts", async () => {
    const run = failing(new OutsideError("upstream", "rejected"));
    const giveUp = failing(new Error("no database"));
    const kept = await runOnce({ run, giveUp }, { attemptsStarted: 199 });
    expect(kept).toMatchObject({ outcome: expect.any(DelayedError), moves: ["delayed token"] });
    const left = await runOnce({ run, giveUp }, { attemptsStarted: 200 });
    expect(left).toMatchObject({ outcome: expect.any(UnrecoverableError), moves: [] });
  });

  it("tells the queue nothing but the kind of an error, which it would keep in clear", async () => {
    const { outcome } = await runOnce({ run: failing(new Error("the person wrote: secret")) });
    expect(String(outcome)).not.toContain("secret");
  });
});
