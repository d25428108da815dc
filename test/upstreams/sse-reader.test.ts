import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseReader } from "../../src/upstreams/sse-reader.ts";

type Event = readonly [data: string, event: string];

function read(chunks: readonly Uint8Array[]): Event[] {
  const events: Event[] = [];
  const reader = new SseReader((data, event) => events.push([data, event]));
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return events;
}

const readText = (text: string) => read([Buffer.from(text)]);

describe("SseReader", () => {
  it.each(["\n", "\r\n", "\r"])("cuts events at empty lines that end with %j", (end) => {
    const text = ["data: one", "", "event: error", "data: two", "data:three", "", ""].join(end);
    expect(readText(text)).toEqual([
      ["one", ""],
      ["two\nthree", "error"],
    ]);
  });

  it("drops comments, other fields and events without data", () => {
    const text = ": ping\n\nid: 7\nretry: 10\n\nevent: ping\n\ndata: x\nfoo\n\n:\n\n";
    expect(readText(text)).toEqual([["x", ""]]);
  });

  it("takes one space off the data and no more", () => {
    expect(readText("data:a\n\ndata: b\n\ndata:  c \n\ndata:\n\ndata\n\n")).toEqual([
      ["a", ""],
      ["b", ""],
      [" c ", ""],
      ["", ""],
      ["", ""],
    ]);
  });

  it("ignores a byte order mark at the start only", () => {
    expect(readText("\ufeffdata: a\n\ndata: \ufeffb\n\n")).toEqual([
      ["a", ""],
      ["\ufeffb", ""],
    ]);
  });

  it("gives a last event that misses its end", () => {
    expect(readText("data: a\n\ndata: [DONE]")).toEqual([
      ["a", ""],
      ["[DONE]", ""],
    ]);
  });

  it("reads the same however the bytes are cut, also within characters and line ends", () => {
    const line = fc.oneof(
      fc
        .string({ unit: "grapheme", maxLength: 12 })
        .map((text) => `data: ${text.replace(/[\r\n]/g, "")}`),
      fc.constantFrom("", "", ": comment", "event: error", "data: 天地玄黄🦓", "data"),
    );
    const end = fc.constantFrom("\n", "\r\n", "\r");
    const stream = fc.array(fc.tuple(line, end), { maxLength: 20 });
    fc.assert(
      fc.property(
        stream,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.map(([text, mark]) => text + mark).join(""));
          const chunks: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(read(chunks)).toEqual(read([bytes]));
        },
      ),
    );
  });

  it("gives up on a line that does not end", () => {
    const reader = new SseReader(() => {});
    const chunk = Buffer.alloc(65_536, "x");
    expect(() => {
      for (let index = 0; index < 17; index += 1) reader.push(chunk);
    }).toThrow();
  });

  it("gives up on an event that does not end", () => {
    const reader = new SseReader(() => {});
    const chunk = Buffer.from(`data: ${"x".repeat(65_536)}\n`);
    expect(() => {
      for (let index = 0; index < 17; index += 1) reader.push(chunk);
    }).toThrow();
  });
});
