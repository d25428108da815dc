import { expect, it } from "vitest";
import { QuietWarning, reasonOf } from "../../src/workers/quiet-warning.ts";
import { RecordedLog } from "../fakes/recorded-log.ts";

it("warns at once, then every ten seconds with what it kept back", () => {
  const log = new RecordedLog();
  let nowMs = 5;
  const warning = new QuietWarning(log, "the queue has trouble", () => nowMs);
  for (const atMs of [5, 6, 10_004, 10_005, 10_006]) {
    nowMs = atMs;
    warning.warn(new Error("connection refused"));
  }
  expect(log.lines).toEqual([
    {
      level: "warn",
      fields: { reason: "connection refused", keptBack: 0 },
      sentence: "the queue has trouble",
    },
    {
      level: "warn",
      fields: { reason: "connection refused", keptBack: 2 },
      sentence: "the queue has trouble",
    },
  ]);
});

it("names an error without a message by its code", () => {
  const error = new AggregateError([], "");
  expect(reasonOf(Object.assign(error, { code: "ECONNREFUSED" }))).toBe("ECONNREFUSED");
  expect(reasonOf(new TypeError(""))).toBe("TypeError");
  expect(reasonOf("text")).toBe("unknown");
});
