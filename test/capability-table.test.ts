import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { capabilityTable } from "../src/app/capability-table.ts";

const PAGE = join(import.meta.dirname, "../docs/operating.md");
const PLATFORMS = ["telegram", "discord", "wechat", "wechat-oa", "wecom", "web"];

describe("the table of what platforms allow", () => {
  it("in the operators' page is the one the code prints", () => {
    const page = readFileSync(PAGE, "utf8");
    const [, table] =
      /<!-- capabilities:.*?-->\n([\s\S]*?)\n<!-- end of capabilities -->/.exec(page) ?? [];
    expect(table).toBe(capabilityTable());
  });

  it("has a cell for every column of every platform", () => {
    const counts = capabilityTable()
      .split("\n")
      .map((line) => line.split("|").length);
    expect(new Set(counts).size).toBe(1);
  });

  it.each(PLATFORMS)("stands beside a link to the page of %s, which is there", (name) => {
    expect(readFileSync(PAGE, "utf8")).toContain(`(platforms/${name}.md)`);
    const path = join(import.meta.dirname, `../docs/platforms/${name}.md`);
    expect(readFileSync(path, "utf8")).toMatch(/^# /);
  });
});
