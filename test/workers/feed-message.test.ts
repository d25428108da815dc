import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeStop,
  encodeProgress,
  encodeStop,
  ProgressDecoder,
} from "../../src/workers/feed-message.ts";

const BYTES_MAX = 7_999;
const bot = { platform: "telegram", bot: "42" };
const text = (offset: number, delta: string, attempt = 1) =>
  ({ type: "text", replyId: "1", bot, attempt, offset, text: delta }) as const;
const decodeAll = (decoder: ProgressDecoder, payloads: readonly string[]) =>
  payloads.map((payload) => decoder.decode(payload)).filter((progress) => progress !== null);

describe("progress on the wire", () => {
  it("comes back as it was, in messages that are short enough", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 600 }),
        fc.nat(1_000_000),
        fc.integer({ min: 250, max: 600 }),
        (delta, offset, bytesMax) => {
          const payloads = encodeProgress("there", text(offset, delta), bytesMax);
          expect(payloads.every((payload) => Buffer.byteLength(payload) <= bytesMax)).toBe(true);
          expect(decodeAll(new ProgressDecoder("here"), payloads)).toEqual([text(offset, delta)]);
        },
      ),
    );
  });

  it("never cuts an emoji in two", () => {
    const payloads = encodeProgress("there", text(0, "😀".repeat(5_000)), BYTES_MAX);
    expect(payloads.length).toBeGreaterThan(1);
    for (const payload of payloads) {
      expect(JSON.parse(payload).text.isWellFormed()).toBe(true);
    }
  });

  it("needs one message up to the limit and two beyond it", () => {
    const envelope = Buffer.byteLength(JSON.stringify({ origin: "there", ...text(0, "") }));
    const fits = "a".repeat(BYTES_MAX - envelope);
    expect(encodeProgress("there", text(0, fits), BYTES_MAX)).toHaveLength(1);
    expect(encodeProgress("there", text(0, `${fits}a`), BYTES_MAX)).toHaveLength(2);
  });

  it("is not heard by who sent it", () => {
    const [payload = ""] = encodeProgress("here", text(0, "Hello"), BYTES_MAX);
    expect(new ProgressDecoder("here").decode(payload)).toBeNull();
    expect(decodeStop("here", encodeStop("here", "1"))).toBeNull();
    expect(decodeStop("there", encodeStop("here", "1"))).toBe("1");
  });

  it("drops a text of which a piece was lost, and understands the next one", () => {
    const decoder = new ProgressDecoder("here");
    const pieces = encodeProgress("there", text(0, "a".repeat(30_000)), BYTES_MAX);
    const withoutSecond = pieces.filter((_, index) => index !== 1);
    const heard = decodeAll(decoder, withoutSecond);
    expect(heard.filter((progress) => progress.type === "text" && progress.offset === 0)).toEqual(
      [],
    );
    expect(decodeAll(decoder, pieces)).toEqual([text(0, "a".repeat(30_000))]);
  });

  it("keeps the pieces of two senders apart", () => {
    const decoder = new ProgressDecoder("here");
    const one = encodeProgress("one", text(0, "a".repeat(20_000)), BYTES_MAX);
    const other = encodeProgress("other", text(0, "b".repeat(20_000), 2), BYTES_MAX);
    const mixed = one.flatMap((payload, index) => [payload, other[index] ?? ""]);
    expect(decodeAll(decoder, mixed)).toEqual([
      text(0, "a".repeat(20_000)),
      text(0, "b".repeat(20_000), 2),
    ]);
  });

  it.each(["", "no JSON", "{}", '{"origin":"there","type":"text"}', "[1]", "null"])(
    "ignores what is no message of ours: %j",
    (payload) => {
      expect(new ProgressDecoder("here").decode(payload)).toBeNull();
      expect(decodeStop("here", payload)).toBeNull();
    },
  );
});
