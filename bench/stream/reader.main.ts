/** Reads answers with the reader it is given, round by round, and tells its parent what that cost. */
import { planOf, textOf } from "./answer-plan.ts";
import { createReader, type ReaderName } from "./readers.ts";

/** A round to run. */
export interface Round {
  readonly model: string;
  readonly streams: number;
}

/** What a round cost. */
export interface RoundResult {
  /** User and system time of the whole process. */
  readonly cpuMicrosPerChunk: number;
  readonly seconds: number;
  /** The most that was seen on the way. */
  readonly rssMb: number;
  /** Answers that were not, to the last character, what the server sent. */
  readonly wrong: number;
}

const RSS_INTERVAL_MS = 200;
const [name, baseUrl, ...models] = process.argv.slice(2);
const read = await createReader(name as ReaderName, baseUrl ?? "", models);

process.on("message", (round: Round) => {
  void run(round).then((result) => process.send?.(result));
});
process.once("disconnect", () => process.exit());
process.send?.("ready");

async function run({ model, streams }: Round): Promise<RoundResult> {
  const { chunks } = planOf(model);
  const expected = textOf(chunks);
  let rss = process.memoryUsage.rss();
  const watch = setInterval(() => {
    rss = Math.max(rss, process.memoryUsage.rss());
  }, RSS_INTERVAL_MS);
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const answers = await Promise.all(Array.from({ length: streams }, () => read(model)));
  const { user, system } = process.cpuUsage(before);
  clearInterval(watch);
  return {
    cpuMicrosPerChunk: (user + system) / (streams * chunks),
    seconds: (performance.now() - startedAtMs) / 1000,
    rssMb: rss / 1e6,
    wrong: answers.filter(({ text, hasUsage }) => !hasUsage || (text ?? expected) !== expected)
      .length,
  };
}
