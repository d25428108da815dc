import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const PAGE_FOLDER = fileURLToPath(new URL("./page/", import.meta.url));
const YEAR_S = 365 * 24 * 60 * 60;
const GZIP_FROM_BYTES = 1024;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
};

// Nothing comes from elsewhere, and no script or style stands in the page itself. Pictures a
// person attaches are shown from memory.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

interface Asset {
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer> | null;
}

/**
 * The files of the page, read once. Their address holds a hash of all of them, so that browsers
 * keep them for good and never mix two versions.
 */
export class WebAssets {
  readonly #files: ReadonlyMap<string, Asset>;
  readonly #version: string;

  constructor() {
    this.#files = readAssets();
    const hash = createHash("sha256");
    for (const [name, asset] of this.#files) hash.update(name).update(asset.bytes);
    this.#version = hash.digest("hex").slice(0, 16);
  }

  /** Answers `/assets/<version>/<name>`; `null` when there is no such file. */
  respond(request: Request): Response | null {
    const match = /^\/assets\/([0-9a-f]{16})\/(.+)$/.exec(new URL(request.url).pathname);
    const asset = this.#files.get(match?.[2] ?? "");
    if (asset === undefined) return null;
    // A page of an older version still open gets today's files, but must not keep them.
    const isCurrent = match?.[1] === this.#version;
    const headers = new Headers({
      "content-type": asset.mediaType,
      "cache-control": isCurrent ? `public, max-age=${YEAR_S}, immutable` : "no-cache",
      "x-content-type-options": "nosniff",
      vary: "accept-encoding",
    });
    const isGzipped =
      asset.gzipped !== null && /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    if (isGzipped) headers.set("content-encoding", "gzip");
    return new Response(isGzipped ? asset.gzipped : asset.bytes, { headers });
  }

  /** One of the HTML pages, never kept by browsers; "full" when there is no room for new people. */
  page(
    name: "index.html" | "admin.html",
    cookie: string | null,
    entry: "open" | "full" = "open",
  ): Response {
    const response = this.#fill(name, { entry });
    if (cookie !== null) response.headers.set("set-cookie", cookie);
    return response;
  }

  /** The page of one answer. The text is escaped here. */
  answerPage(answer: string, language: string, title: string, status = 200): Response {
    const values = { lang: language, title, answer: escapeHtml(answer) };
    return this.#fill("answer.html", values, status);
  }

  #fill(name: string, values: Readonly<Record<string, string>>, status = 200): Response {
    const all: Readonly<Record<string, string>> = {
      ...values,
      assets: `/assets/${this.#version}`,
    };
    const html = new TextDecoder()
      .decode(this.#files.get(name)?.bytes)
      .replace(/\{([a-z]+)\}/g, (whole, key: string) => all[key] ?? whole);
    return new Response(html, {
      status,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
    });
  }
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return text.replace(/[&<>]/g, (character) => entities[character] ?? character);
}

function readAssets(): Map<string, Asset> {
  const files = new Map<string, Asset>();
  for (const name of readdirSync(PAGE_FOLDER).sort()) {
    files.set(name, readAsset(join(PAGE_FOLDER, name)));
  }
  const require = createRequire(import.meta.url);
  files.set("vendor/marked.js", readAsset(require.resolve("marked")));
  const purify = join(dirname(require.resolve("dompurify")), "purify.es.mjs");
  files.set("vendor/purify.js", readAsset(purify));
  return files;
}

function readAsset(path: string): Asset {
  const text = readFileSync(path, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
  const bytes = Uint8Array.from(Buffer.from(text));
  const gzipped = bytes.length < GZIP_FROM_BYTES ? null : Uint8Array.from(gzipSync(bytes));
  const extension = extname(path) === ".mjs" ? ".js" : extname(path);
  return { mediaType: MEDIA_TYPES[extension] ?? "application/octet-stream", bytes, gzipped };
}
