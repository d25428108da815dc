import o200k from "js-tiktoken/ranks/o200k_base";
import { describe, expect, it } from "vitest";
import { type RankedTokens, TokenIndex } from "../../src/core/upstream/token-index.ts";
import { TokenMerges } from "../../src/core/upstream/token-merges.ts";
import { decodeRanks, loadO200kCounter } from "../../src/upstreams/o200k-ranks.ts";

const base64 = (...tokens: string[]) =>
  tokens.map((token) => Buffer.from(token).toString("base64")).join(" ");

function createIndex(tokens: RankedTokens): TokenIndex {
  const building = TokenIndex.build(tokens);
  for (;;) {
    const step = building.next();
    if (step.done) return step.value;
  }
}

describe("decodeRanks", () => {
  it("reads tokens of every length in the order of their ranks", () => {
    const { bytes, ends } = decodeRanks(`! 0 ${base64("!", "ab", "abc", "中", "four")}`);
    expect(Buffer.from(bytes).toString()).toBe("!ababc中four");
    expect([...ends]).toEqual([1, 3, 6, 9, 13]);
  });

  it("reads what js-tiktoken reads", () => {
    const { bytes, ends } = decodeRanks(o200k.bpe_ranks);
    const tokens = o200k.bpe_ranks.split(" ").slice(2);
    expect(ends.length).toBe(tokens.length);
    expect(Buffer.concat(tokens.map((token) => Buffer.from(token, "base64"))).equals(bytes)).toBe(
      true,
    );
    expect(ends.at(-1)).toBe(bytes.length);
  });

  it.each(["", "! 5 IQ==", "! 0 IQ==\n! 1 Ig=="])(
    "refuses ranks that are written as %j",
    (ranks) => {
      expect(() => decodeRanks(ranks)).toThrow("one line from rank 0");
    },
  );
});

describe("o200k_base", () => {
  it("has only tokens that are what their bytes are merged to", () => {
    const tokens = decodeRanks(o200k.bpe_ranks);
    const merges = new TokenMerges(createIndex(tokens));
    for (let token = 0; token < tokens.ends.length; token += 1) {
      merges.mayFollow(token, 0);
      merges.mayFollow(0, token);
    }
    expect(tokens.ends.length).toBe(199_998);
  });
});

describe("loadO200kCounter", () => {
  it("loads once and gives everyone the same counter", async () => {
    const [first, second] = await Promise.all([loadO200kCounter(), loadO200kCounter()]);
    expect(first).toBe(second);
    expect(first.count("hello world")).toBe(2);
  });
});
