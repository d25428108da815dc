import { readFileSync } from "node:fs";

/** A recorded update, by the name of its file. */
export function fixture(name: string): unknown {
  const file = new URL(`../../fixtures/telegram/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}
