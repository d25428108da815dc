import { setTimeout as sleep } from "node:timers/promises";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { percentile, waitFor } from "../wait-for.ts";

const DOSES = { short: 8, long: 200 } as const;
const ABORT_MS_MAX = 200;
/** On a busy machine a few may take longer; the median may not. */
const ABORT_MS_P99_MAX = 1_000;
const LONG = { tokens: 2_000, tokenMs: 15 } as const;

/** Somebody says /stop, or blocks the bot, in mid-answer: the upstream is left, and what came is billed. */
export const stopAndGone: Fault = {
  id: "F13",
  title: "/stop and people who go away",
  onBothQueues: true,
  async run(context) {
    const { random } = context;
    const count = DOSES[context.dose];
    await using stage = await Stage.open(context);
    await stage.start("gateway");
    await stage.start("worker");
    const people = await stage.addPeople(count);
    const delays = { stop: [] as number[], block: [] as number[] };
    for (const [index, person] of people.entries()) {
      const question = stage.ask(person, LONG, { isWhole: false });
      const call = await waitFor(
        "the answer streams",
        () =>
          stage.upstream.calls.find(
            ({ question: text, emitted }) => text === question.text && emitted > 5,
          ),
        30_000,
      );
      await sleep(random.between(50, 900));
      const way = index % 4 === 3 ? "block" : "stop";
      const leftAtMs = performance.now();
      if (way === "stop") stage.telegram.user(person).writes("/stop");
      else stage.telegram.user(person).blocks();
      stage.gone.add(person);
      await waitFor("the upstream is left", () => call.end !== "running", 60_000, 5);
      delays[way].push((call.endedAtMs ?? 0) - leftAtMs);
    }
    await stage.settle(60_000);
    const replies = await stage.readReplies();
    const problems = stage.questions.flatMap(({ person, messageId, text }) => {
      const reply = replies.get(`${person}:${messageId}`);
      const [call] = stage.upstream.callsOf(text);
      // What was on its way to us when we left came, but was not taken.
      const isPaid = (reply?.charge ?? 0n) > 0n && (reply?.output_tokens ?? 0) > 0;
      const isPart = (reply?.text?.length ?? 0) < stage.expectedText({ play: LONG }).length;
      return [
        ...(isPaid && isPart
          ? []
          : [`I4: "${text}" was not billed for its part (${reply?.state})`]),
        ...((reply?.output_tokens ?? 0) <= (call?.emitted ?? 0) * 2
          ? []
          : [`I4: "${text}" bills too much`]),
      ];
    });
    const line = (name: string, values: readonly number[]) =>
      `${name}: left after p50 ${Math.round(percentile(values, 0.5))} ms, max ${Math.round(Math.max(0, ...values))} ms`;
    return {
      rounds: count,
      seen: `${line("/stop", delays.stop)}; ${line("blocked", delays.block)}`,
      problems: [
        ...problems,
        ...(await checkInvariants(stage)),
        ...above("/stop to upstream left, p50", percentile(delays.stop, 0.5), ABORT_MS_MAX, "ms"),
        ...above(
          "/stop to upstream left, p99",
          percentile(delays.stop, 0.99),
          ABORT_MS_P99_MAX,
          "ms",
        ),
        ...above(
          "blocked to upstream left, p99",
          percentile(delays.block, 0.99),
          ABORT_MS_P99_MAX,
          "ms",
        ),
      ],
    };
  },
};
