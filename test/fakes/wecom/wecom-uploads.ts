import { createHash, randomUUID } from "node:crypto";
import { CODES, refuseUnless } from "./wecom-answers.ts";

const CHUNK_BYTES_MAX = 512 * 1024;
const CHUNKS_MAX = 100;

interface Upload {
  readonly filename: string;
  readonly totalSize: number;
  readonly totalChunks: number;
  readonly md5: string;
  readonly chunks: Map<number, Buffer>;
}

/** Files of three steps: begin, pieces in any order, end. */
export class WecomUploads {
  readonly #uploads = new Map<string, Upload>();
  readonly #files = new Map<string, { readonly name: string; readonly content: string }>();

  file(mediaId: string): { readonly name: string; readonly content: string } | undefined {
    return this.#files.get(mediaId);
  }

  begin(body: Record<string, unknown>): object {
    const { filename, total_size: totalSize, total_chunks: totalChunks, md5 } = body;
    const isNamed = typeof filename === "string" && filename !== "";
    refuseUnless(isNamed && typeof md5 === "string", CODES.invalidParameter, "bad upload");
    const isSized = typeof totalSize === "number" && typeof totalChunks === "number";
    refuseUnless(isSized && totalChunks <= CHUNKS_MAX, CODES.invalidParameter, "bad size");
    const id = randomUUID();
    this.#uploads.set(id, { filename, totalSize, totalChunks, md5, chunks: new Map() });
    return { upload_id: id };
  }

  add(body: Record<string, unknown>): void {
    const upload = this.#find(body);
    const index = Number(body.chunk_index);
    const chunk = Buffer.from(String(body.base64_data), "base64");
    const isInside = index >= 0 && index < upload.totalChunks && chunk.length <= CHUNK_BYTES_MAX;
    refuseUnless(isInside, CODES.invalidParameter, "bad chunk");
    upload.chunks.set(index, chunk);
  }

  end(body: Record<string, unknown>): object {
    const upload = this.#find(body);
    const inOrder = [...upload.chunks].sort(([some], [other]) => some - other);
    const whole = Buffer.concat(inOrder.map(([, chunk]) => chunk));
    const isWhole =
      whole.length === upload.totalSize &&
      createHash("md5").update(whole).digest("hex") === upload.md5;
    refuseUnless(isWhole, CODES.invalidParameter, "the file is not whole");
    const mediaId = randomUUID();
    this.#files.set(mediaId, { name: upload.filename, content: whole.toString() });
    return { type: "file", media_id: mediaId, created_at: "1380000000" };
  }

  #find(body: Record<string, unknown>): Upload {
    const upload = this.#uploads.get(String(body.upload_id));
    refuseUnless(upload !== undefined, CODES.invalidParameter, "unknown upload");
    return upload;
  }
}
