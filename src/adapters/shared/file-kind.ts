import type { IncomingAttachment } from "../../core/chat/incoming-message.ts";

export const UNKNOWN_MEDIA_TYPE = "application/octet-stream";
const IMAGE_MEDIA_TYPES = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
const TEXT_MEDIA_TYPE =
  /^text\/|^application\/(json|xml|yaml|x-yaml|toml|sql|javascript|typescript|x-sh|x-python|x-httpd-php|x-tex)$|\+(json|xml)$/;
const TEXT_NAME =
  /\.(txt|md|markdown|rst|log|csv|tsv|json|jsonl|ya?ml|toml|ini|cfg|conf|env|xml|html?|css|scss|less|svg|[cm]?[jt]sx?|vue|svelte|py|ipynb|rb|php|java|kt|kts|scala|groovy|gradle|c|h|cc|cpp|cxx|hpp|cs|fs|go|rs|swift|m|mm|dart|lua|pl|r|jl|ex|exs|erl|hs|clj|sql|sh|bash|zsh|fish|ps1|bat|tex|bib|srt|vtt|diff|patch|proto|graphql|tf)$|(^|[./])(dockerfile|makefile)$/i;

/** What we can use a file as. `mediaType` as the platform gives it; empty where it does not. */
export function kindOfFile(mediaType: string, name: string): IncomingAttachment["kind"] {
  const type = plainMediaType(mediaType);
  if (IMAGE_MEDIA_TYPES.has(type)) return "image";
  return TEXT_MEDIA_TYPE.test(type) || isTextName(name) ? "text" : "other";
}

/** Whether a file of that name is one of text: notes, tables, source code. */
export function isTextName(name: string): boolean {
  return TEXT_NAME.test(name);
}

/** Without its parameters: "text/plain" of "Text/Plain; charset=utf-8". */
export function plainMediaType(mediaType: string): string {
  return mediaType.toLowerCase().split(";")[0]?.trim() ?? "";
}
