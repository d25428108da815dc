import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../../src/adapters/web/page/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");

async function textsOf(language: string): Promise<Record<string, unknown>> {
  const module: { texts: Record<string, unknown> } = await import(
    new URL(`texts-${language}.js`, folder).href
  );
  return module.texts;
}

/** What a translation must have in common with the others: names, and words to fill in. */
function shapeOf(value: unknown): unknown {
  if (typeof value === "string")
    return [...value.matchAll(/\{\w+\}/g)].map(([word]) => word).sort();
  if (Array.isArray(value)) return value.map(shapeOf);
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, each]) => [name, shapeOf(each)]),
  );
}

describe("texts of the page", () => {
  it("are the same in every language", async () => {
    expect(shapeOf(await textsOf("zh"))).toEqual(shapeOf(await textsOf("en")));
  });

  it("are all used, and all there that are used", async () => {
    const sources = readdirSync(folder)
      .filter((name) => /\.(js|html)$/.test(name) && !name.startsWith("texts-"))
      .map(read)
      .join("\n");
    const names = Object.keys(await textsOf("en"));
    const asked = [
      ...sources.matchAll(/\btext\("(\w+)"/g),
      ...sources.matchAll(/data-(?:text|label|placeholder)="(\w+)"/g),
    ].map(([, name]) => name);
    expect(asked.filter((name) => !names.includes(name ?? ""))).toEqual([]);
    expect(names.filter((name) => !new RegExp(`"${name}"`).test(sources))).toEqual([]);
  });

  it("stand in the page in English until a language is chosen", async () => {
    const texts = await textsOf("en");
    for (const page of ["index.html", "admin.html"]) {
      for (const [, name = "", shown] of read(page).matchAll(/data-text="(\w+)"[^>]*>([^<]*)</g)) {
        expect([page, name, shown]).toEqual([page, name, texts[name]]);
      }
    }
  });
});
