import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const LAUNCH = /exec env (.+)$/;

/** How `npm start` runs the program, once its packages are there. */
export interface StartCommand {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Read from package.json, so that what is measured is what people start. */
export function readStartCommand(): StartCommand {
  const { scripts } = JSON.parse(readFileSync(resolve(ROOT, "package.json"), "utf8"));
  const [, launch] = LAUNCH.exec(scripts.start) ?? [];
  if (launch === undefined) throw new Error(`"start" in package.json is not as we know it`);
  const words = launch.split(" ");
  const node = words.indexOf("node");
  const pairs = words.slice(0, node).map((word) => {
    const [name = "", ...value] = word.split("=");
    return [name, inRoot(value.join("="))];
  });
  return { args: words.slice(node + 1).map(inRoot), env: Object.fromEntries(pairs) };
}

/** The script names its files from the folder of the repository. */
function inRoot(word: string): string {
  return word.includes("/") ? resolve(ROOT, word) : word;
}
