/** Counts one hostile text in a process that has counted nothing before, and prints how long that took. */
import { loadO200kCounter } from "../../src/upstreams/o200k-ranks.ts";
import { createRandom } from "./corpus.ts";
import { createHostileTexts } from "./hostile.ts";

const [name = "", length, seed] = process.argv.slice(2);
const text = createHostileTexts(Number(length), createRandom(Number(seed))).get(name) ?? "";
const counter = await loadO200kCounter();
const startedAtMs = performance.now();
counter.count(text);
console.log(performance.now() - startedAtMs);
