import type { Behaviour } from "../../fakes/openai-behaviour.ts";
import type { Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { keepAsking } from "../load.ts";
import type { Random } from "../random.ts";
import { Stage } from "../stage.ts";

const DOSES = { short: 40, long: 1_000 } as const;
const KEYS = Array.from({ length: 8 }, (_, index) => `sk-broken-${index + 1}`);
const FAULTY_SHARE = 0.4;
const KINDS = ["cut", "end", "stall", "garbage", "error"] as const;
const TIMEOUTS = { betweenChunksMs: 1_200 };

/** Streams that are cut, stand still or turn to garbage at a random chunk are billed for what came. */
export const brokenStreams: Fault = {
  id: "F12",
  title: "cut, stall, garbage at a random chunk",
  onBothQueues: false,
  async run(context) {
    const { dose, random } = context;
    const count = DOSES[dose];
    await using stage = await Stage.open({
      ...context,
      keys: KEYS,
      upstreams: [{ timeouts: TIMEOUTS }],
    });
    await stage.start("all");
    const people = await stage.addPeople(Math.min(count, 40));
    await keepAsking(stage, { people, total: count, play: () => randomPlay(random) });
    await stage.settle(120_000);
    const replies = await stage.readReplies();
    const broken = stage.questions.filter(({ play }) => play.fault !== undefined);
    const problems = broken.flatMap(({ person, messageId, text, play }) => {
      const reply = replies.get(`${person}:${messageId}`);
      const [call] = stage.upstream.callsOf(text).toReversed();
      const at = play.fault !== undefined && "at" in play.fault ? (play.fault.at ?? 0) : 0;
      // Before its first word a stream may be asked for again, elsewhere.
      if (at === 0 || reply === undefined) return [];
      const came = stage.expectedText({ play: { ...play, tokens: at } });
      const isExact = reply.text === came && call?.emitted === at;
      const isTold = reply.failure === "upstream_cut";
      return [
        ...(isExact ? [] : [`I4: "${text}" (${play.fault?.type}@${at}) has other words than came`]),
        ...(isTold ? [] : [`I5: "${text}" does not say that it was cut`]),
      ];
    });
    const charged = broken.filter(({ person, messageId }) => {
      return (replies.get(`${person}:${messageId}`)?.charge ?? 0n) > 0n;
    });
    return {
      rounds: count,
      seen: `${broken.length} of ${count} streams broken, ${charged.length} of them billed for exactly what came, the others free`,
      problems: [...problems, ...(await checkInvariants(stage))],
    };
  },
};

function randomPlay(random: Random): Behaviour {
  const tokens = random.between(8, 40);
  const play: Behaviour = { tokens, tokenMs: 10, language: random.pick(["en", "zh"] as const) };
  if (random.next() >= FAULTY_SHARE) return play;
  return { ...play, fault: { type: random.pick(KINDS), at: random.between(1, tokens - 1) } };
}
