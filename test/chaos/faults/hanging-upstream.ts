import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { keepAsking } from "../load.ts";
import { Stage } from "../stage.ts";
import { percentile, seconds } from "../wait-for.ts";

const DOSES = { short: 16, long: 200 } as const;
const FIRST_BYTE_MS = 1_500;
const LATE_MS_MAX = 1_000;
const KEYS = ["sk-hanging", "sk-working"];

/** A key takes the question and says nothing: after its time another one is asked, and one hold pays. */
export const hangingUpstream: Fault = {
  id: "F11",
  title: "hang before the first byte",
  onBothQueues: false,
  async run(context) {
    const count = DOSES[context.dose];
    const timeouts = { firstByteMs: FIRST_BYTE_MS };
    await using stage = await Stage.open({
      ...context,
      keys: KEYS,
      upstreams: [
        { name: "hanging", keys: KEYS.slice(0, 1), priority: 0, timeouts },
        { name: "working", keys: KEYS.slice(1), priority: 1, timeouts },
      ],
      hangingKeys: KEYS.slice(0, 1),
    });
    await stage.start("all");
    const people = await stage.addPeople(Math.min(count, 40));
    await keepAsking(stage, { people, total: count, play: () => ({ tokens: 6, tokenMs: 10 }) });
    await stage.settle(60_000);
    const hung = stage.upstream.calls.filter(({ key }) => key === KEYS[0]);
    const waits = hung.flatMap(({ question, startedAtMs }) => {
      const next = stage.upstream.callsOf(question).find(({ key }) => key === KEYS[1]);
      return next === undefined ? [] : [next.startedAtMs - startedAtMs];
    });
    const { rows } = await stage.pool.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM (SELECT 1 FROM hold GROUP BY split_part(cause, ':', 2) HAVING count(*) > 1) more",
    );
    return {
      rounds: count,
      seen: `${hung.length} calls hung ${seconds(percentile(waits, 0.5))} (limit ${seconds(FIRST_BYTE_MS)}, max ${seconds(Math.max(0, ...waits))}), then the circuit kept the other ${count - hung.length} away`,
      problems: [
        ...(await checkInvariants(stage)),
        ...above(
          "time until another key was asked",
          Math.max(0, ...waits),
          FIRST_BYTE_MS + LATE_MS_MAX,
          "ms",
        ),
        ...(rows[0]?.count === 0 ? [] : [`I3: ${rows[0]?.count} answers were held more than once`]),
        ...(hung.length > 0 ? [] : ["no call hung: nothing was tried"]),
      ],
    };
  },
};
