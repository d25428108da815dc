import { createHash } from "node:crypto";

const STREAM_PREFIX = "stream:";
const TEXT_PREFIX = "text:";

/** What the id of one of our messages says. */
export type SentId =
  | { readonly type: "stream"; readonly reqId: string }
  /** A message of its own, which cannot be changed; `mark` tells what it says. */
  | { readonly type: "text"; readonly mark: string };

/** All another process needs to go on with the stream. */
export function streamMessageId(reqId: string): string {
  return `${STREAM_PREFIX}${reqId}`;
}

/** WeCom gives such messages no id, and nobody needs one but to see that it says this already. */
export function textMessageId(text: string): string {
  return `${TEXT_PREFIX}${markOf(text)}`;
}

/** `null` when it is none of ours. */
export function readMessageId(id: string): SentId | null {
  if (id.startsWith(STREAM_PREFIX))
    return { type: "stream", reqId: id.slice(STREAM_PREFIX.length) };
  if (id.startsWith(TEXT_PREFIX)) return { type: "text", mark: id.slice(TEXT_PREFIX.length) };
  return null;
}

/**
 * The id of the one stream that answers a request. It follows from the request, so a call that is
 * made again, by another process too, goes on with the same stream and never begins a second.
 */
export function streamIdOf(reqId: string): string {
  return `dianka_${hash(reqId)}`;
}

/** Equal where the texts are. */
export function markOf(text: string): string {
  return hash(text);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
