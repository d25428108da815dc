import fc from "fast-check";
import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";
import { beforeAll, describe, expect, it } from "vitest";
import type { TokenCounter } from "../../src/core/upstream/token-counter.ts";
import { BytePairEncoder } from "../../src/core/upstream/token-encoder.ts";
import { GrowingPiece } from "../../src/core/upstream/token-growing-piece.ts";
import { NONE, TokenIndex } from "../../src/core/upstream/token-index.ts";
import { TokenMerges } from "../../src/core/upstream/token-merges.ts";
import { PieceScanner } from "../../src/core/upstream/token-pieces.ts";
import { loadO200kCounter } from "../../src/upstreams/o200k-ranks.ts";

const LONG = 100_000;
const ALPHABETS = [
  "abcde",
  "aAbB'",
  "the and of ing ion",
  "'s'S't'T're'RE'vE'm'll'LL'd'x",
  " \n\r\t",
  "\u00a0\u3000\u2028\u0085\ufeff\u200b\u200d",
  "的一是不了，。！「」",
  "中文AbC'",
  "ＡＢｃ１２，　",
  "1234５६Ⅷ½",
  "e\u0301\u0300A\u20dd",
  "ǅʰªǲßſ",
  "हिन्दी ภาษาไทย 한국어 עברית",
  "👨‍👩‍👧🏽️🇨🇳😀",
  "\ud83d\ude00\ud800\udfff",
  "!?/.,-_#*|`<>\n",
];

/** Texts that mix a few alphabets, with runs and now and then a character from anywhere. */
const text = fc
  .tuple(fc.subarray(ALPHABETS, { minLength: 1, maxLength: 4 }), fc.nat(40))
  .chain(([alphabets, maxLength]) =>
    fc.array(
      fc.oneof(
        {
          weight: 20,
          arbitrary: fc.constantFrom(...alphabets.flatMap((units) => units.split(""))),
        },
        { weight: 4, arbitrary: fc.constantFrom(...alphabets) },
        { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 2 }) },
        {
          weight: 1,
          arbitrary: fc
            .tuple(fc.constantFrom(...alphabets.flatMap((units) => [...units])), fc.nat(12))
            .map(([character, times]) => character.repeat(times)),
        },
      ),
      { maxLength },
    ),
  )
  .map((parts) => parts.join(""));

describe("BytePairTokenCounter", () => {
  let counter: TokenCounter;
  let oracle: Tiktoken;
  const countByOracle = (whole: string) => oracle.encode(whole, [], []).length;

  beforeAll(async () => {
    counter = await loadO200kCounter();
    oracle = new Tiktoken(o200k);
  });

  /** Adds in pieces of the given lengths, over and over, and compares the total after each. */
  function addInPieces(whole: string, lengths: readonly number[]): number {
    const running = counter.startCount();
    let end = 0;
    for (let index = 0; end < whole.length; index += 1) {
      const start = end;
      end += lengths[index % lengths.length] ?? 1;
      running.add(whole.slice(start, end));
      const total = running.total;
      if (total !== counter.count(whole.slice(0, end))) {
        throw new Error(`${total} tokens counted in ${JSON.stringify(whole.slice(0, end))}`);
      }
    }
    return running.total;
  }

  it.each([
    ["", 0],
    ["hello world", 2],
    ["Don't you'll we'RE x'", 7],
    ["你好，世界！", 4],
    ["中文ABC中文ABCdef's", 6],
    ["ｆｕｌｌ　ｗｉｄｔｈ", 18],
    ["1234567", 3],
    ["a \n \n b\t c", 5],
    ["x\r\n\r\ny/\n/z", 5],
    ["<|endoftext|>", 7],
    ["👨‍👩‍👧‍👦", 11],
    ["A😀\ude00", 3],
    ["\ud83d", 1],
  ])("counts %j as %i tokens", (whole, tokens) => {
    expect(counter.count(whole)).toBe(tokens);
    expect(countByOracle(whole)).toBe(tokens);
  });

  it("counts like js-tiktoken, whatever the text", () => {
    fc.assert(
      fc.property(text, (whole) => {
        expect(counter.count(whole)).toBe(countByOracle(whole));
      }),
      { numRuns: 2000 },
    );
  });

  it("counts a text the same wherever it is cut, after every piece", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(text, lengths, (whole, pieces) => {
        expect(addInPieces(whole, pieces)).toBe(counter.count(whole));
      }),
      { numRuns: 2000 },
    );
  });

  it("counts long pieces the same wherever they are cut", () => {
    const run = fc.tuple(fc.constantFrom(...ALPHABETS.flatMap((units) => [...units])), fc.nat(900));
    const runs = fc.array(run, { maxLength: 5 });
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 400 }), (parts, length) => {
        const whole = parts.map(([character, times]) => character.repeat(times)).join("");
        expect(addInPieces(whole, [length])).toBe(counter.count(whole));
      }),
      { numRuns: 60 },
    );
  });

  it("takes half a surrogate pair for a character of its own until the other half comes", () => {
    const running = counter.startCount();
    running.add("A\ud83d");
    expect(running.total).toBe(countByOracle("A\ud83d"));
    running.add("\ude00");
    expect(running.total).toBe(countByOracle("A😀"));
    running.add("\ude00");
    expect(running.total).toBe(countByOracle("A😀\ude00"));
  });

  it("keeps two counts apart that run at the same time", () => {
    const [first, second] = [counter.startCount(), counter.startCount()];
    for (const delta of ["Good", " mor", "ning", ", 世", "界"]) {
      first.add(delta);
      second.add(delta.toUpperCase());
    }
    expect(first.total).toBe(countByOracle("Good morning, 世界"));
    expect(second.total).toBe(countByOracle("GOOD MORNING, 世界"));
  });

  // Anything quadratic takes minutes here instead of milliseconds.
  it.each([
    ..."aA 1\n\t中가'!-/\u0301\u200b\u3000ﬁ\ud800",
    "aA",
    "ab",
    "中A",
    " \n",
    "\r\n",
    "a'",
    "'s",
    "!\n",
    "e\u0301",
    "👨‍👩‍👧‍👦",
    "qxzjkvwp",
    "的一是不了人我在有他这",
  ])("counts 100 000 times %j whole and in pieces alike", (unit) => {
    const whole = unit.repeat(LONG / unit.length);
    const running = counter.startCount();
    for (let start = 0; start < whole.length; start += 997) {
      running.add(whole.slice(start, start + 997));
      expect(running.total).toBeGreaterThan(0);
    }
    expect(running.total).toBe(counter.count(whole));
  });

  it.each([
    ["", "a"],
    ["", " "],
    ["中", "A"],
    ["\n", " "],
  ])(
    "tells the total of %j and %j after each of 50 000 deltas without counting all again",
    (start, unit) => {
      const running = counter.startCount();
      running.add(start);
      let last = 0;
      for (let index = 0; index < LONG / 2; index += 1) {
        running.add(unit);
        last = running.total;
      }
      expect(last).toBe(counter.count(start + unit.repeat(LONG / 2)));
      running.add("b");
      expect(running.total).toBe(counter.count(`${start}${unit.repeat(LONG / 2)}b`));
    },
  );
});

describe("PieceScanner", () => {
  const pattern = new RegExp(o200k.pat_str, "gu");
  const cutByPattern = (whole: string) => whole.match(pattern) ?? [];

  function cut(whole: string): string[] {
    const bytes = Buffer.from(whole);
    const scanner = new PieceScanner();
    const pieces: string[] = [];
    for (let start = 0; start < bytes.length; ) {
      const end = scanner.next(bytes, start, bytes.length);
      pieces.push(bytes.toString("utf8", start, end));
      start = end;
    }
    return pieces;
  }

  it("cuts where the split pattern cuts", () => {
    fc.assert(
      fc.property(text, (whole) => {
        expect(cut(whole.toWellFormed())).toEqual(cutByPattern(whole.toWellFormed()));
      }),
      { numRuns: 5000 },
    );
  });

  it("knows every character of Unicode", () => {
    // Planes 4 to 13 are unassigned; 15 and 16 are for private use.
    const planes = [0x00000, 0x10000, 0x20000, 0x30000, 0xe0000];
    for (const first of planes.flatMap((plane) =>
      [0, 1, 2, 3].map((part) => plane + part * 0x4000),
    )) {
      let whole = "";
      for (let codePoint = first; codePoint < first + 0x4000; codePoint += 1) {
        const character = String.fromCodePoint(codePoint).toWellFormed();
        whole += `a${character}B1${character} !`;
      }
      expect(cut(whole).join("|") === cutByPattern(whole).join("|"), `from ${first}`).toBe(true);
    }
  });

  it("calls no piece certain that a longer text cuts elsewhere", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const bytes = Buffer.from(before.toWellFormed());
        const scanner = new PieceScanner();
        const certain: string[] = [];
        for (let start = 0; ; ) {
          const end = scanner.next(bytes, start, bytes.length);
          if (scanner.sawEnd) break;
          certain.push(bytes.toString("utf8", start, end));
          start = end;
        }
        const longer = cutByPattern(before.toWellFormed() + after.toWellFormed());
        expect(longer.slice(0, certain.length)).toEqual(certain);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("BytePairEncoder", () => {
  /** Merges as byte pair encoding is defined: the lowest rank first, the leftmost of equals. */
  function merge(whole: string, ranks: ReadonlyMap<string, number>): string[] {
    const parts = whole.split("");
    for (;;) {
      let best = { rank: Number.POSITIVE_INFINITY, index: NONE };
      for (let index = 0; index + 1 < parts.length; index += 1) {
        const rank = ranks.get(`${parts[index]}${parts[index + 1]}`);
        if (rank !== undefined && rank < best.rank) best = { rank, index };
      }
      if (best.index === NONE) return parts;
      parts.splice(best.index, 2, `${parts[best.index]}${parts[best.index + 1]}`);
    }
  }

  function createIndex(words: readonly string[]): TokenIndex {
    const tokens = [
      ...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)),
      ...words,
    ];
    let end = 0;
    const ends = Uint32Array.from(tokens, (token) => {
      end += token.length;
      return end;
    });
    const building = TokenIndex.build({ bytes: Buffer.from(tokens.join(""), "latin1"), ends });
    for (;;) {
      const step = building.next();
      if (step.done) return step.value;
    }
  }

  /** A vocabulary that merging could have learnt: each pick joins two tokens that there are. */
  function learnWords(picks: readonly (readonly [number, number])[]): string[] {
    const tokens = ["a", "b", "c"];
    const ranks = new Map<string, number>();
    for (const [left, right] of picks) {
      const word = `${tokens[left % tokens.length]}${tokens[right % tokens.length]}`;
      if (ranks.has(word) || word.length > 60 || merge(word, ranks).length !== 2) continue;
      ranks.set(word, ranks.size);
      tokens.push(word);
    }
    return [...ranks.keys()];
  }

  const picks = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 30 });
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 80 });

  it("finds what merging finds, with any vocabulary", () => {
    fc.assert(
      fc.property(picks, fc.array(letters, { maxLength: 5 }), (pairs, wholes) => {
        const words = learnWords(pairs);
        const encoder = new BytePairEncoder(createIndex(words));
        const ranks = new Map(words.map((word, rank) => [word, rank]));
        for (const whole of wholes) {
          const tokens = encoder.count(Buffer.from(whole), 0, whole.length);
          expect(tokens).toBe(merge(whole, ranks).length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("finds it for a piece that grows, with any vocabulary", () => {
    fc.assert(
      fc.property(picks, letters, fc.integer({ min: 1, max: 5 }), (pairs, whole, step) => {
        const index = createIndex(learnWords(pairs));
        const encoder = new BytePairEncoder(index);
        const piece = new GrowingPiece(encoder, index.lengths, 3);
        for (let end = 1; end <= whole.length; end += step) {
          const bytes = Buffer.from(whole);
          expect(piece.count(bytes, 0, end)).toBe(encoder.count(bytes, 0, end));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("counts a growing piece anew when its new end changes its first tokens", () => {
    // The later in the alphabet, the earlier merged: the last letter decides how all of them pair up.
    const alphabet = "abcdefghijklmnopqrstuvwxyz";
    const words = Array.from({ length: 25 }, (_, index) => alphabet.slice(24 - index, 26 - index));
    const index = createIndex(words);
    const piece = new GrowingPiece(new BytePairEncoder(index), index.lengths, 3);
    const counts = Array.from(alphabet, (_, index) => {
      return piece.count(Buffer.from(alphabet), 0, index + 1);
    });
    expect(counts).toEqual(Array.from(alphabet, (_, index) => Math.ceil((index + 1) / 2)));
  });

  it("tells when a token is not what its bytes are merged to", () => {
    const index = createIndex(["abc"]);
    expect(() => new TokenMerges(index).mayFollow(256, 0)).toThrow("no merge gives token 256");
  });

  it("refuses a vocabulary in which a byte is no token", () => {
    const building = TokenIndex.build({ bytes: Buffer.from("ab"), ends: Uint32Array.of(1, 2) });
    expect(() => [...building]).toThrow("byte 0 is no token");
  });
});
