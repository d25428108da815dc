import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallWorld } from "./ilink-calls.ts";

/** The CDN, at "/c2c/upload" and "/c2c/download". */
export function serveFile(
  { files, faults }: Pick<CallWorld, "files" | "faults">,
  url: URL,
  body: Buffer,
  response: ServerResponse,
): void {
  const parameter = url.searchParams.get("encrypted_query_param") ?? "";
  if (url.pathname === "/c2c/upload") {
    const stored = files.receive(parameter, url.searchParams.get("filekey") ?? "", body);
    if (stored === null) faults.push("upload: not what was promised");
    const headers = stored === null ? {} : { "x-encrypted-param": stored };
    response.writeHead(stored === null ? 400 : 200, headers).end();
    return;
  }
  const content = files.get(parameter);
  response.writeHead(content === null ? 404 : 200).end(content ?? "");
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function parseBody(body: Buffer): Readonly<Record<string, unknown>> {
  const parsed: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
}
