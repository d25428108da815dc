/** Loads all that the program is made of, and prints whether the ranks of the tokenizer are among it. */
import { registerHooks } from "node:module";

const loaded: string[] = [];
registerHooks({
  load: (url, context, nextLoad) => {
    loaded.push(url);
    return nextLoad(url, context);
  },
});
const hasRanks = () => loaded.some((url) => url.includes("/js-tiktoken/"));

await import("../../src/app.ts");
const atStart = hasRanks();
const modules = loaded.length;
const { loadO200kCounter } = await import("../../src/upstreams/o200k-ranks.ts");
(await loadO200kCounter()).count("Hello");
console.log(JSON.stringify({ modules, atStart, atFirstUse: hasRanks() }));
