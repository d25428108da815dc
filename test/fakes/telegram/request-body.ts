import type { IncomingMessage } from "node:http";
import { badRequest } from "./bot-api-error.ts";

export interface UploadedFile {
  readonly name: string;
  readonly content: Buffer;
}

export interface RequestBody {
  readonly fields: Readonly<Record<string, unknown>>;
  /** `true` when values came as text, so that numbers and objects have to be read from it. */
  readonly isText: boolean;
  readonly files: ReadonlyMap<string, UploadedFile>;
}

const NO_FILES: ReadonlyMap<string, UploadedFile> = new Map();

/** Reads the four ways the Bot API takes parameters. */
export async function readRequest(request: IncomingMessage, query: URLSearchParams) {
  const body = await readAll(request);
  const type = request.headers["content-type"] ?? "";
  const boundary = /multipart\/form-data;\s*boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary !== undefined) return parseMultipart(body, boundary);
  if (/^application\/json/i.test(type) && body.length > 0) return parseJson(body);
  if (/^application\/x-www-form-urlencoded/i.test(type)) {
    return textFields(new URLSearchParams(body.toString("utf8")));
  }
  return textFields(query);
}

export async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parseJson(body: Buffer): RequestBody {
  const text = body.toString("utf8");
  // A lone half of an emoji arrives as an escape that stands for no character.
  const hasHalf = /\\u[dD][89abAB][\da-fA-F]{2}(?!\\u[dD][c-fC-F])/.test(text);
  if (hasHalf) throw badRequest("strings must be encoded in UTF-8");
  const fields = tryParse(text);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw badRequest("expected a JSON object");
  }
  return { fields: { ...fields }, isText: false, files: NO_FILES };
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("can't parse request JSON object");
  }
}

function textFields(params: URLSearchParams): RequestBody {
  return { fields: Object.fromEntries(params), isText: true, files: NO_FILES };
}

function parseMultipart(body: Buffer, boundary: string): RequestBody {
  const fields: Record<string, unknown> = {};
  const files = new Map<string, UploadedFile>();
  for (const part of splitParts(body, `--${boundary}`)) {
    const headerEnd = part.indexOf("\r\n\r\n");
    const header = part.subarray(0, headerEnd).toString("utf8");
    const content = part.subarray(headerEnd + 4);
    const name = /name="([^"]*)"/i.exec(header)?.[1];
    if (name === undefined) throw badRequest("a part has no name");
    const fileName = /filename="?([^"\r\n;]*)"?/i.exec(header)?.[1];
    if (fileName === undefined) fields[name] = content.toString("utf8");
    else files.set(name, { name: fileName, content });
  }
  return { fields, isText: true, files };
}

function splitParts(body: Buffer, delimiter: string): Buffer[] {
  const parts: Buffer[] = [];
  let start = body.indexOf(delimiter);
  while (start !== -1) {
    const contentStart = start + delimiter.length + 2;
    const end = body.indexOf(`\r\n${delimiter}`, contentStart - 2);
    if (end === -1) break;
    parts.push(body.subarray(contentStart, end));
    start = end + 2;
  }
  return parts;
}
