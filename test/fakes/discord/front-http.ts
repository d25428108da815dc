import { type IncomingMessage, request } from "node:http";

export interface ReceivedBody {
  readonly body: Record<string, unknown>;
  readonly files: readonly { readonly name: string; readonly content: string }[];
}

/** JSON, or a form with files. */
export async function readBody(incoming: IncomingMessage): Promise<ReceivedBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const type = incoming.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) {
    return { body: bytes.length === 0 ? {} : JSON.parse(bytes.toString()), files: [] };
  }
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
  const files: { name: string; content: string }[] = [];
  for (const value of form.values()) {
    if (typeof value !== "string") files.push({ name: value.name, content: await value.text() });
  }
  return { body: JSON.parse(String(form.get("payload_json") ?? "{}")), files };
}

/** One call to the twin. */
export function ask(
  method: string,
  url: string,
  text: string,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const outgoing = request(url, { method, headers, agent: false }, async (incoming) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString();
      resolve({ status: incoming.statusCode ?? 500, answer: body === "" ? {} : JSON.parse(body) });
    });
    outgoing.on("error", reject);
    outgoing.end(text === "" ? undefined : text);
  });
}
