import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseXml, writeXml } from "../../src/adapters/wechat-oa/wechat-oa-xml.ts";

describe("parseXml", () => {
  it("keeps ids of 64 bits, emoji and the space around a text", () => {
    const fields = parseXml(
      "<xml><MsgId>9223372036854775807</MsgId>\n<Content><![CDATA[ 😀 a & b &lt; ]]></Content></xml>",
    );
    expect(fields).toMatchObject({ MsgId: "9223372036854775807", Content: " 😀 a & b &lt; " });
  });

  it("takes markup that a person wrote for text", () => {
    const text = "<!DOCTYPE html><!ENTITY x><b>";
    expect(parseXml(`<xml><Content><![CDATA[${text}]]></Content></xml>`)?.Content).toBe(text);
  });

  it("leaves nested fields out", () => {
    const fields = parseXml("<xml><A>1</A><ScanCodeInfo><B>2</B></ScanCodeInfo></xml>");
    expect(fields).toEqual({ A: "1" });
  });

  it.each([
    "",
    "hello",
    "{}",
    "<xml>",
    "<xml><A>1</B></xml>",
    "<xml><A>1</A>",
    "<xml><A><![CDATA[1</A></xml>",
    "<other><A>1</A></other>",
    "<a/><b/>",
    '<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
    '<xml><!ENTITY a "b"><A>1</A></xml>',
    '<!doctype xml SYSTEM "file:///etc/passwd"><xml><A>1</A></xml>',
    "<xml><!-- a --><A>1</A></xml>",
    "<xml><__proto__>1</__proto__></xml>",
    "<xml>text</xml>",
  ])("refuses what is not well-formed, and declarations: %s", (document) => {
    expect(parseXml(document)).toBeNull();
  });

  it("does not expand entities", () => {
    expect(parseXml("<xml><A>&lt;&#65;&unknown;</A></xml>")?.A).toBe("&lt;&#65;&unknown;");
  });

  it("refuses thousands of open sections in no time", () => {
    const beganMs = performance.now();
    expect(parseXml("<xml><A>".concat("<![CDATA[".repeat(14_000)))).toBeNull();
    expect(performance.now() - beganMs).toBeLessThan(1_000);
  });

  it("never throws", () => {
    const part = fc.constantFrom(
      "<xml>",
      "</xml>",
      "<A>",
      "</A>",
      "<![CDATA[",
      "]]>",
      "<!",
      "&",
      "x",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        parseXml(parts.join(""));
      }),
    );
  });
});

describe("writeXml", () => {
  it("writes texts so that nothing in them ends the text", () => {
    expect(writeXml({ Content: "a]]>b", CreateTime: 5 })).toBe(
      "<xml><Content><![CDATA[a]]]]><![CDATA[>b]]></Content><CreateTime>5</CreateTime></xml>",
    );
  });

  it("is understood by parseXml, whatever a text says", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc
        .array(fc.constantFrom("]", "]]", ">", "]]>", "<![CDATA[", "</Content>", "😀"), {
          maxLength: 12,
        })
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (content) => {
        expect(parseXml(writeXml({ Content: content }))?.Content).toBe(content);
      }),
    );
  });

  it("leaves out what no document may hold", () => {
    expect(writeXml({ A: "a\u0000\u0008b\ud800c\uffff\td\n" })).toBe(
      "<xml><A><![CDATA[ab\ufffdc\td\n]]></A></xml>",
    );
  });
});
