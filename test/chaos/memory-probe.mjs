// Loaded before the program (`node --import`): every few seconds it collects garbage and appends what is
// left to the file CHAOS_MEMORY, one line of JSON each. Without that, memory tells what the collector
// has not come round to yet.
import { appendFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const EVERY_MS = 5_000;
const file = process.env.CHAOS_MEMORY;

if (file !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  setInterval(() => {
    collect();
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const atMs = performance.now();
    appendFileSync(file, `${JSON.stringify({ atMs, rss, heapUsed, external, arrayBuffers })}\n`);
  }, EVERY_MS).unref();
}
