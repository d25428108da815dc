import { beforeEach, describe, expect, it } from "vitest";
import { createCardPepper, formatCode } from "../../src/core/cards/card-code.ts";
import { RedeemCards } from "../../src/core/cards/redeem-cards.ts";
import { makeBatch, pepper, wrongCode } from "../contract/card-store-under-test.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryCardStore } from "../fakes/memory-card-store.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

const alice = { accountId: "alice", identityKey: "telegram:1:42" };

let clock: FakeClock;
let ledger: MemoryLedger;
let cards: MemoryCardStore;
let storms: number[];
let redeem: RedeemCards;

beforeEach(() => {
  clock = new FakeClock({ start: new Date(), autoAdvance: true });
  ledger = new MemoryLedger(clock);
  cards = new MemoryCardStore(ledger, clock);
  storms = [];
  redeem = new RedeemCards({
    cards,
    peppers: [pepper],
    clock,
    onStorm: (guesses) => storms.push(guesses),
  });
});

/** Ten codes of five messages each. */
async function printCodes(): Promise<string[]> {
  return (await makeBatch(cards, { count: 10 })).codes;
}

async function statuses(text: string, redeemer = alice): Promise<string[]> {
  return (await redeem.redeem(redeemer, text)).map(({ outcome }) => outcome.status);
}

const messages = async () => (await ledger.balance("alice")).available.message;

describe("RedeemCards", () => {
  it("redeems a code however it is typed, and says what it added", async () => {
    const [code = ""] = await printCodes();
    expect(await redeem.redeem(alice, formatCode(code).toLowerCase())).toEqual([
      {
        code: `${code.slice(0, 4)}…${code.slice(-4)}`,
        outcome: {
          status: "redeemed",
          unit: "message",
          amount: 5n,
          validUntil: new Date(clock.now().getTime() + 30 * 24 * 60 * 60_000),
          isExtended: false,
        },
      },
    ]);
    expect(await messages()).toBe(5n);
  });

  it("adds nothing for a code that is given twice, in one message or in two", async () => {
    const [code = ""] = await printCodes();
    expect(await statuses(`${code} ${formatCode(code)}`)).toEqual(["redeemed"]);
    expect(await statuses(code)).toEqual(["already_yours"]);
    expect(await messages()).toBe(5n);
  });

  it("takes several codes, apart by anything", async () => {
    const codes = await printCodes();
    const [a, b, c, d, e] = codes.map(formatCode);
    expect(await statuses(`${a}, ${b}\r\n${c}；${d}、卡密：${e}`)).toEqual(
      Array.from({ length: 5 }, () => "redeemed"),
    );
    expect(await messages()).toBe(25n);
  });

  it("takes one code written with spaces, and several of them", async () => {
    const [a = "", b = "", c = ""] = await printCodes();
    const spaced = (code: string) => formatCode(code).replaceAll("-", " ");
    expect(await statuses(spaced(a))).toEqual(["redeemed"]);
    expect(await statuses(`${spaced(b)} ${[...c].join(" ")}`)).toEqual(["redeemed", "redeemed"]);
  });

  it("takes lines as card shops deliver them", async () => {
    const [a, b, c, d] = await printCodes();
    const text = `1,${a}\n2----${b}\n${c}║five messages\n卡号：3 卡密：${d}`;
    expect(await statuses(text)).toEqual(["redeemed", "redeemed", "redeemed", "redeemed"]);
  });

  it("leaves words around a code alone", async () => {
    const [code] = await printCodes();
    expect(await statuses(`here it is: ${code}, thanks!`)).toEqual(["redeemed"]);
  });

  it("tells a typo from a wrong code without asking for it", async () => {
    const [code = ""] = await printCodes();
    const swapped = code.slice(0, 10) + code.charAt(11) + code.charAt(10) + code.slice(12);
    const typo = swapped === code ? `${code.slice(0, -1)}` : swapped;
    expect(await statuses(typo)).toEqual(["typo"]);
    expect(await statuses(formatCode(typo).replaceAll("-", " "))).toEqual(["typo"]);
    expect(await statuses("hello there")).toEqual(["typo"]);
    expect(await statuses(wrongCode())).toEqual(["invalid_or_used"]);
    expect((await cards.readPressure("alice")).guesses).toBe(1.6);
  });

  it("reports each code of a message, right and mistyped, in order", async () => {
    const [a = "", b = ""] = await printCodes();
    const short = a.slice(0, -1);
    expect(await statuses(`${short} ${b} ${wrongCode()}`)).toEqual([
      "typo",
      "redeemed",
      "invalid_or_used",
    ]);
  });

  it("finds nothing in a text without letters and digits", async () => {
    expect(await redeem.redeem(alice, "")).toEqual([]);
    expect(await redeem.redeem(alice, " -- ！ 卡密： ")).toEqual([]);
    expect((await cards.readPressure("alice")).guesses).toBe(0);
  });

  it("stops looking once a message has guessed too often", async () => {
    const [code] = await printCodes();
    const wrong = Array.from({ length: 7 }, wrongCode);
    const reports = await redeem.redeem(alice, [...wrong, code].join(" "));
    const [until] = reports.flatMap(({ outcome }) => "until" in outcome && outcome.until);
    expect(reports.map(({ outcome }) => outcome.status)).toEqual([
      ...Array.from({ length: 5 }, () => "invalid_or_used"),
      ...Array.from({ length: 3 }, () => "locked"),
    ]);
    expect(until).toBeDefined();
    expect(await messages()).toBe(0n);
  });

  it("refuses a message of more codes than anybody has", async () => {
    const many = (count: number) => Array.from({ length: count }, wrongCode).join(" ");
    expect(await statuses(many(100))).toHaveLength(100);
    await expect(statuses(many(101))).rejects.toMatchObject({ code: "message_too_long" });
    await expect(statuses("x".repeat(8_193))).rejects.toMatchObject({ code: "message_too_long" });
  });

  it("still takes cards printed under the pepper before, but no older ones", async () => {
    const [code = "", next = ""] = await printCodes();
    const newer = [3, 2].map((version) =>
      createCardPepper(version, new Uint8Array(32).fill(version)),
    );
    const parts = { cards, clock, onStorm: () => {} };
    const [newest = pepper, middle = pepper] = newer;
    const rotated = new RedeemCards({ ...parts, peppers: [newest, pepper] });
    expect(await rotated.redeem(alice, code)).toMatchObject([{ outcome: { status: "redeemed" } }]);
    const twice = new RedeemCards({ ...parts, peppers: [newest, middle, pepper] });
    expect(await twice.redeem(alice, next)).toMatchObject([
      { outcome: { status: "invalid_or_used" } },
    ]);
  });

  it("tells operators of a storm once, lets strangers wait and refuses nobody", async () => {
    const [one = "", two = "", three = ""] = await printCodes();
    await redeem.redeem(alice, one);
    for (let guesser = 0; guesser < 50; guesser += 1) {
      const stranger = { accountId: `bot${guesser}`, identityKey: `telegram:2:${guesser}` };
      await redeem.redeem(stranger, Array.from({ length: 5 }, wrongCode).join(" "));
    }
    expect(storms).toEqual([200]);
    const waits = async (redeemer: typeof alice, code: string) => {
      const beforeMs = clock.now().getTime();
      expect(await statuses(code, redeemer)).toEqual(["redeemed"]);
      return clock.now().getTime() - beforeMs;
    };
    expect(await waits(alice, two)).toBe(0);
    const bob = { accountId: "bob", identityKey: "telegram:1:43" };
    expect(await waits(bob, three)).toBe(3_000);
  });
});
