/** Loads the tokenizer it is given, in a process of its own, and prints what that took. */
import { setTimeout } from "node:timers/promises";
import { loadTokenizer, type TokenizerName } from "./tokenizers.ts";

let lastTurnAt = performance.now();
let blockMs = 0;
const turns = setInterval(() => {
  const now = performance.now();
  blockMs = Math.max(blockMs, now - lastTurnAt);
  lastTurnAt = now;
}, 1);
await setTimeout(20);
blockMs = 0;

const rssBefore = process.memoryUsage().rss;
const startedAt = performance.now();
const tokenizer = await loadTokenizer(process.argv[2] as TokenizerName);
tokenizer.count("Hello, 世界");
const loadMs = performance.now() - startedAt;
const rssMb = (process.memoryUsage().rss - rssBefore) / 1e6;
await setTimeout(5);
clearInterval(turns);
console.log(JSON.stringify({ loadMs, rssMb, blockMs }));
