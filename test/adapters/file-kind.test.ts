import { describe, expect, it } from "vitest";
import { kindOfFile } from "../../src/adapters/shared/file-kind.ts";

describe("what a file can be used as", () => {
  it.each([
    ["image/png", "cat.png", "image"],
    ["IMAGE/JPEG; q=1", "photo", "image"],
    ["image/tiff", "scan.tif", "other"],
    ["text/plain; charset=utf-8", "notes", "text"],
    ["application/ld+json", "graph", "text"],
    ["", "main.rs", "text"],
    ["application/octet-stream", "README.MD", "text"],
    ["", "Dockerfile", "text"],
    ["", "my.makefile", "text"],
    ["", "notadockerfile", "other"],
    ["", "program.exe", "other"],
    ["application/pdf", "paper.pdf", "other"],
    ["", "", "other"],
  ])("of the type %j and the name %j is %s", (mediaType, name, kind) => {
    expect(kindOfFile(mediaType, name)).toBe(kind);
  });
});
