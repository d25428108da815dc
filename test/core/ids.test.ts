import { describe, expect, it } from "vitest";
import { createAccountId, createId, lowestIdAt } from "../../src/core/ids.ts";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("createId", () => {
  it("is a UUID of version 7 that begins with its time in milliseconds", () => {
    // The example of RFC 9562, appendix A.6.
    const id = createId(new Date(0x017f22e279b0));
    expect(id).toMatch(ID);
    expect(id.slice(0, 13)).toBe("017f22e2-79b0");
    expect(createId(new Date(0))).toMatch(/^00000000-0000-7/);
  });

  it("sorts by time, also as text", () => {
    const times = [0, 1, 255, 1_000_000, Date.now(), Date.now() + 1, 253_402_300_799_999];
    const ids = times.map((time) => createId(new Date(time)));
    expect(ids.toSorted()).toEqual(ids);
  });

  it("is never below the lowest of its millisecond, nor at or above that of the next", () => {
    const now = new Date();
    const ids = Array.from({ length: 20_000 }, () => createId(now)).toSorted();
    expect(lowestIdAt(now)).toMatch(ID);
    const bounds = [lowestIdAt(now), lowestIdAt(new Date(now.getTime() + 1))] as const;
    expect([bounds[1], ...ids, bounds[0]].toSorted()).toEqual([bounds[0], ...ids, bounds[1]]);
  });

  it("is another one each time, in every digit that is not fixed", () => {
    const now = new Date();
    const ids = Array.from({ length: 20_000 }, () => createId(now));
    expect(new Set(ids).size).toBe(ids.length);
    const random = ids.map((id) => id.slice(15));
    for (const [place, digit] of [...(random[0] ?? "")].entries()) {
      const kinds = new Set(random.map((rest) => rest[place])).size;
      // The variant takes two bits of the first digit of the fourth group.
      if (digit !== "-") expect(kinds).toBe(place === 4 ? 4 : 16);
    }
  });
});

describe("createAccountId", () => {
  it("is ten characters that nobody confuses when read out", () => {
    const ids = Array.from({ length: 1_000 }, createAccountId);
    for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
