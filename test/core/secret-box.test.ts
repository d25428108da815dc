import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SecretBox } from "../../src/core/upstream/secret-box.ts";

describe("SecretBox", () => {
  const box = new SecretBox("a secret key");

  it("opens what it sealed, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (secret) => {
        expect(box.open(box.seal(secret))).toBe(secret);
      }),
    );
  });

  it("opens what another program with the same key sealed", () => {
    expect(new SecretBox("a secret key").open(box.seal("sk-123"))).toBe("sk-123");
    const sealed = "sealed:v1:zxixTbW7yeXopVvHXYW1ZThGy9XCm-PcKhexrH9sqsAt5-Udwg";
    expect(new SecretBox("hello").open(sealed)).toBe("sk-abc123");
  });

  it("seals the same secret differently each time, and shows nothing of it", () => {
    const [first, second] = [box.seal("sk-123"), box.seal("sk-123")];
    expect(first).toMatch(/^sealed:v1:[\w-]+$/);
    expect(first).not.toBe(second);
    expect(Buffer.from(first.slice(10), "base64url").toString("latin1")).not.toContain("sk-123");
    expect([SecretBox.isSealed(first), SecretBox.isSealed("sk-123")]).toEqual([true, false]);
  });

  it("does not open with another key", () => {
    expect(() => new SecretBox("another key").open(box.seal("sk-123"))).toThrow("SECRET_KEY");
  });

  it("does not open what was changed in any byte", () => {
    const sealed = box.seal("sk-123");
    const bytes = Buffer.from(sealed.slice(10), "base64url");
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => box.open(`sealed:v1:${changed.toString("base64url")}`)).toThrow("SECRET_KEY");
    }
  });

  it.each([
    "",
    "sk-123",
    "sealed:v1:",
    "sealed:v1:AAAA",
    "sealed:v2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  ])("does not take %j for a sealed secret", (text) => {
    expect(() => box.open(text)).toThrow("not a sealed secret");
  });

  it("takes no empty key", () => {
    expect(() => new SecretBox("")).toThrow("SECRET_KEY is empty");
  });
});
