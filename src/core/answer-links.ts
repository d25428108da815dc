import { createHmac, timingSafeEqual } from "node:crypto";

const TAG_BYTES = 16;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Links to pages of ours that show one whole answer. Who has the link may read it; nobody can guess one. */
export class AnswerLinks {
  readonly #key: Uint8Array;
  readonly #root: string;

  /** `publicUrl` has no slash at its end. */
  constructor(key: Uint8Array, publicUrl: string) {
    this.#key = key;
    this.#root = `${publicUrl}/answers/`;
  }

  linkTo(replyId: string): string {
    const id = Buffer.from(replyId.replaceAll("-", ""), "hex");
    return this.#root + Buffer.concat([id, this.#tag(replyId)]).toString("base64url");
  }

  /** The reply that the last part of such a link means; `null` when it is none of ours. */
  readReplyId(token: string): string | null {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length !== 16 + TAG_BYTES) return null;
    const hex = bytes.subarray(0, 16).toString("hex");
    const replyId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    const isOurs = timingSafeEqual(bytes.subarray(16), this.#tag(replyId));
    return isOurs && UUID.test(replyId) ? replyId : null;
  }

  #tag(replyId: string): Buffer {
    return createHmac("sha256", this.#key).update(replyId).digest().subarray(0, TAG_BYTES);
  }
}
