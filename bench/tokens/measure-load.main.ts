/** Loads the tokenizer it is given, in a process of its own, and prints what that took. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { loadTokenizer, type TokenizerName } from "./tokenizers.ts";

const rssBefore = process.memoryUsage().rss;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const startedAt = performance.now();
const tokenizer = await loadTokenizer(process.argv[2] as TokenizerName);
tokenizer?.count("Hello, 世界");
const loadMs = performance.now() - startedAt;
const rssMb = (process.memoryUsage().rss - rssBefore) / 1e6;
// One more turn, so that a block that lasted until now is seen as well.
await new Promise((resolve) => setTimeout(resolve, 5));
console.log(JSON.stringify(tokenizer && { loadMs, rssMb, blockMs: delay.max / 1e6 }));
