import type { Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { keepAsking } from "../load.ts";
import type { Random } from "../random.ts";
import { Stage } from "../stage.ts";

const DOSES = { short: 24, long: 500 } as const;
const SCRAPS = [
  "Hallo ",
  "世界",
  "，",
  "naïve ",
  "`code`",
  "\n\n",
  "1234",
  " x = 5;",
  "😀",
  "नमस्ते ",
  "aaaa",
  " – ",
  "don't ",
];

/** Upstreams that send no usage: what was said is counted by us, to the token. */
export const missingUsage: Fault = {
  id: "F14",
  title: "no usage in the stream",
  onBothQueues: false,
  async run(context) {
    const { dose, random } = context;
    const count = DOSES[dose];
    await using stage = await Stage.open(context);
    await stage.start("all");
    const people = await stage.addPeople(Math.min(count, 40));
    await keepAsking(stage, {
      people,
      total: count,
      play: () => ({ tokens: scraps(random), tokenMs: 3, usage: false }),
    });
    await stage.settle(120_000);
    const replies = [...(await stage.readReplies()).values()];
    const counted = replies.filter(({ usage_source }) => usage_source === "counted");
    const tokens = counted.reduce((sum, { output_tokens }) => sum + (output_tokens ?? 0), 0);
    return {
      rounds: count,
      seen: `${tokens} tokens of ${counted.length} answers counted by us, 0 more or less than a full count`,
      problems: [
        ...(await checkInvariants(stage)),
        ...(counted.length === count ? [] : [`I4: ${counted.length} of ${count} were counted`]),
      ],
    };
  },
};

function scraps(random: Random): string[] {
  return [
    "Well",
    ...Array.from({ length: random.between(5, 80) }, () => random.pick(SCRAPS)),
    "end",
  ];
}
