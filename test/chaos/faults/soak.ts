import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { above, type Fault } from "../fault.ts";
import { checkInvariants } from "../invariants.ts";
import { keepAsking } from "../load.ts";
import { Stage } from "../stage.ts";
import { seconds } from "../wait-for.ts";

const MEMORY_PROBE = new URL("../memory-probe.mjs", import.meta.url).href;
/** By hand: SOAK_MINUTES=30. */
const MINUTES = { short: 0.25, long: Number(process.env.SOAK_MINUTES ?? 3) } as const;
/** Until then code is still being compiled and pools filled. */
const WARM_UP_SHARE = 0.4;
const SLOPE_MB_MAX = 1;
/** A quarter of a minute says nothing about a slope; it only shows that the soak works. */
const SLOPE_MB_MAX_SHORT = 200;
/** In a shorter soak the allocator still settles: what it keeps is not what the program keeps. */
const RSS_MINUTES_MIN = 10;
const HANDLES_MORE_MAX = 30;
const MB = 1024 * 1024;

interface Sample {
  readonly minute: number;
  readonly heapMb: number;
  readonly rssMb: number;
}

/** Answers without a pause: what is left after each collection of garbage, and open files, stay as they are. */
export const soak: Fault = {
  id: "F21",
  title: "soak",
  onBothQueues: true,
  async run(context) {
    const { dose, random, machine } = context;
    const minutes = MINUTES[dose];
    const memory = join(machine.folder, `memory-${performance.now()}`);
    await writeFile(memory, "");
    await using stage = await Stage.open({
      ...context,
      // Else each prompt is longer than the one before, and so is what it needs.
      chat: { contextTokensMax: 1_000 },
      environment: { NODE_OPTIONS: `--import ${MEMORY_PROBE}`, CHAOS_MEMORY: memory },
    });
    const program = await stage.start("all");
    const people = await stage.addPeople(50);
    const startedAtMs = performance.now();
    const isOver = () => performance.now() - startedAtMs > minutes * 60_000;
    let handlesBefore = 0;
    const warmUp = setTimeout(
      () => {
        void openFiles(program.pid).then((count) => {
          handlesBefore = count;
        });
      },
      minutes * 60_000 * WARM_UP_SHARE,
    );
    const play = () => ({ tokens: random.between(20, 60), tokenMs: 30 });
    await keepAsking(stage, { people, total: Number.POSITIVE_INFINITY, play, isOver });
    clearTimeout(warmUp);
    await stage.settle(120_000);
    const handlesAfter = await openFiles(program.pid);
    const samples = await readSamples(memory);
    const warm = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
    const slope = slopeOf(warm.map(({ minute, heapMb }) => [minute, heapMb]));
    const rssSlope = slopeOf(warm.map(({ minute, rssMb }) => [minute, rssMb]));
    const [first, last] = [warm[0], warm.at(-1)];
    const slopeMax = dose === "long" ? SLOPE_MB_MAX : SLOPE_MB_MAX_SHORT;
    return {
      rounds: stage.questions.length,
      seen: `${seconds(minutes * 60_000)}: ${stage.questions.length} answers, heap ${slope.toFixed(2)} MB a minute (${first?.heapMb.toFixed(1)} → ${last?.heapMb.toFixed(1)} MB), RSS ${rssSlope.toFixed(1)} MB a minute (${first?.rssMb.toFixed(0)} → ${last?.rssMb.toFixed(0)} MB), open files ${handlesBefore} → ${handlesAfter}`,
      problems: [
        ...above("the heap grows", slope, slopeMax, "MB a minute"),
        ...(minutes < RSS_MINUTES_MIN
          ? []
          : above("memory grows", rssSlope, slopeMax, "MB a minute")),
        ...above("more open files", handlesAfter - handlesBefore, HANDLES_MORE_MAX, ""),
        ...(await checkInvariants(stage)),
      ],
    };
  },
};

async function openFiles(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

async function readSamples(file: string): Promise<Sample[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { atMs, heapUsed, external, rss } = JSON.parse(line) as Record<string, number>;
    return {
      minute: (atMs ?? 0) / 60_000,
      heapMb: ((heapUsed ?? 0) + (external ?? 0)) / MB,
      rssMb: (rss ?? 0) / MB,
    };
  });
}

/** By how much the second grows with the first, by least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  if (points.length < 2) return 0;
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([value]) => value));
  const y = mean(points.map(([, value]) => value));
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  const under = points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
  return over / under;
}
