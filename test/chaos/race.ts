import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const RACER = fileURLToPath(new URL("money-racer.main.ts", import.meta.url));

/** What one racing process does, all at once. */
export type RaceWork = { readonly databaseUrl: string } & (
  | {
      readonly do: "spend";
      readonly account: string;
      readonly amount: number;
      readonly causes: readonly string[];
    }
  | {
      readonly do: "redeem";
      readonly tries: readonly { readonly account: string; readonly hmac: string }[];
    }
);

/** Lets one process for each piece of work race, and returns how often they succeeded together. */
export async function race(works: readonly RaceWork[]): Promise<number> {
  const outcomes = await Promise.all(works.map(runOne));
  return outcomes.reduce((sum, won) => sum + won, 0);
}

async function runOne(work: RaceWork): Promise<number> {
  const child = spawn(process.execPath, [RACER], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(work));
  const said = await text(child.stdout);
  if (said === "") throw new Error("a racing process failed");
  return (JSON.parse(said) as { won: number }).won;
}

/** Deals items out to so many processes. */
export function deal<Item>(items: readonly Item[], processes: number): Item[][] {
  return Array.from({ length: processes }, (_, process) =>
    items.filter((_item, index) => index % processes === process),
  );
}
