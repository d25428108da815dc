/** Text of unknown origin, made safe to stand inside one of our Markdown sentences. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_~[\]<>|#]/g, "\\$&").replace(/\s+/g, " ");
}
