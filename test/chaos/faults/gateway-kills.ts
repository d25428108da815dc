import { setTimeout as sleep } from "node:timers/promises";
import { above, type Fault } from "../fault.ts";
import { checkInvariants, countLeftovers } from "../invariants.ts";
import { Stage } from "../stage.ts";
import { percentile, seconds, waitFor } from "../wait-for.ts";

const DOSES = {
  short: { kills: 2, streams: 8 },
  long: { kills: 50, streams: 40 },
} as const;
const SETTLE_MS = 180_000;
const BACK_MS_MAX = 60_000;

/** kill -9 of the gateway while answers stream into its chats: the next one goes on in the same messages. */
export const gatewayKills: Fault = {
  id: "F2",
  title: "gateway killed with answers open",
  onBothQueues: true,
  async run(context) {
    const { random } = context;
    const { kills, streams } = DOSES[context.dose];
    await using stage = await Stage.open(context);
    await stage.start("worker");
    let gateway = await stage.start("gateway");
    const people = await stage.addPeople(streams);
    const backMs: number[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      for (const person of people) {
        stage.ask(person, { tokens: random.between(30, 90), tokenMs: 40 });
      }
      await waitFor("answers stream", () => stage.streaming >= streams / 2, 60_000);
      await sleep(random.between(100, 1_500));
      await stage.kill(gateway);
      const killedAtMs = performance.now();
      // Now and then a person writes while nobody is there.
      const late = stage.ask(random.pick(people), { tokens: 10, tokenMs: 20 });
      gateway = await stage.start("gateway");
      const isLate = () => stage.upstream.callsOf(late.text).length > 0;
      await stage.settle(SETTLE_MS);
      if (isLate()) backMs.push(performance.now() - killedAtMs);
    }
    return {
      rounds: kills,
      seen: `${stage.questions.length} answers, all delivered p50 ${seconds(percentile(backMs, 0.5))}, max ${seconds(Math.max(0, ...backMs))} after the kill, ${countLeftovers(stage)} sent messages forgotten`,
      problems: [
        // One call at a time is on its way, so a kill leaves one message behind at most.
        ...(await checkInvariants(stage, kills)),
        ...above("answers delivered", Math.max(0, ...backMs), BACK_MS_MAX, "ms after the kill"),
      ],
    };
  },
};
