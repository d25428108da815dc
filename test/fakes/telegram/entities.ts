import { badRequest } from "./bot-api-error.ts";

export interface Entity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
  readonly language?: string;
  readonly user?: { readonly id: number };
}

export interface FormattedText {
  readonly text: string;
  readonly entities: readonly Entity[];
}

/** May be put into each other and into quotations and links. */
const STYLES = new Set(["bold", "italic", "underline", "strikethrough", "spoiler"]);
const QUOTATIONS = new Set(["blockquote", "expandable_blockquote"]);
const CODE = new Set(["code", "pre"]);
const FOUND_BY_TELEGRAM = new Set([
  "mention",
  "hashtag",
  "cashtag",
  "bot_command",
  "url",
  "email",
  "phone_number",
]);
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  text_link: ["url"],
  text_mention: ["user"],
  pre: ["language"],
};

/**
 * Throws unless the entities fit the text. Stricter than Telegram in one respect: entities that
 * break the rules of nesting are refused here, where Telegram would quietly change them.
 */
export function checkEntities(text: string, entities: unknown): asserts entities is Entity[] {
  if (!Array.isArray(entities)) throw badRequest('field "entities" must be of type Array');
  for (const entity of entities) checkEntity(text, entity);
  for (const [index, one] of entities.entries()) {
    for (const other of entities.slice(index + 1)) checkPair(one, other);
  }
}

function checkEntity(text: string, entity: unknown): void {
  const { type, offset, length, ...more } = entity as Record<string, unknown>;
  if (typeof type !== "string" || !isKnown(type)) {
    throw badRequest("can't parse MessageEntity: Unsupported type specified");
  }
  if (!Number.isInteger(offset) || Number(offset) < 0) {
    throw badRequest(`receive an entity with incorrect offset ${offset}`);
  }
  if (!Number.isInteger(length) || Number(length) <= 0) {
    throw badRequest(`receive an entity with incorrect length ${length}`);
  }
  const unknown = Object.keys(more).find((field) => !(FIELDS[type] ?? []).includes(field));
  if (unknown !== undefined) throw badRequest(`MessageEntity has unknown field "${unknown}"`);
  checkRange(text, Number(offset), Number(offset) + Number(length));
  if (type === "text_link") checkUrl(more.url);
}

function isKnown(type: string): boolean {
  const groups = [STYLES, QUOTATIONS, CODE, FOUND_BY_TELEGRAM];
  return groups.some((group) => group.has(type)) || type === "text_link" || type === "text_mention";
}

function checkRange(text: string, start: number, end: number): void {
  if (start >= text.length) {
    throw badRequest(`entity begins after the end of the text at UTF-16 offset ${start}`);
  }
  if (end > text.length) {
    throw badRequest(
      `entity beginning at UTF-16 offset ${start} ends after the end of the text at UTF-16 offset ${end}`,
    );
  }
  const byteOffset = (index: number): number => Buffer.byteLength(text.slice(0, index + 1));
  if (splitsPair(text, start)) {
    throw badRequest(
      `entity begins in a middle of a UTF-16 symbol at byte offset ${byteOffset(start)}`,
    );
  }
  if (splitsPair(text, end)) {
    throw badRequest(
      `entity beginning at UTF-16 offset ${start} ends in a middle of a UTF-16 symbol at byte offset ${byteOffset(end)}`,
    );
  }
}

function splitsPair(text: string, index: number): boolean {
  const isHigh = (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
  return isHigh && (text.charCodeAt(index) & 0xfc00) === 0xdc00;
}

/** As Telegram's client library checks links: known schemes, a host with a dot. */
export function checkUrl(url: unknown): void {
  if (typeof url !== "string") {
    throw badRequest("can't parse MessageEntity: Can't find field \"url\"");
  }
  const refuse = (reason: string) => badRequest(`entity URL '${url}' is invalid: ${reason}`);
  const [, scheme, host] = /^(?:([a-z]+):(?:\/\/)?)?([^/?#]*)/i.exec(url) ?? [];
  if (scheme?.toLowerCase() === "tg") return;
  if (host === undefined || host === "") throw refuse("URL host is empty");
  if (scheme !== undefined && !/^https?$/i.test(scheme)) throw refuse("Unsupported URL protocol");
  const [name = "", port] = host.split(":");
  if (port !== undefined && !/^\d{1,5}$/.test(port)) {
    throw refuse("Wrong port number specified in the URL");
  }
  if (!name.includes(".") || /\s/.test(name)) throw refuse("Wrong HTTP URL");
}

function checkPair(one: Entity, other: Entity): void {
  const [a, b] = one.offset <= other.offset ? [one, other] : [other, one];
  const aEnd = a.offset + a.length;
  const bEnd = b.offset + b.length;
  if (b.offset >= aEnd) return;
  const isNested = bEnd <= aEnd || b.offset === a.offset;
  if (!isNested) throw badRequest(`entities ${a.type} and ${b.type} overlap`);
  const types = [a.type, b.type];
  const isQuoted = types.some((type) => QUOTATIONS.has(type));
  const isStyled = types.some((type) => STYLES.has(type));
  const hasCode = types.some((type) => CODE.has(type));
  if (a.type === b.type) throw badRequest(`entity ${a.type} is nested in itself`);
  if (isQuoted && types.every((type) => QUOTATIONS.has(type))) {
    throw badRequest("quotations can't be nested");
  }
  if (!isQuoted && (hasCode || !isStyled)) {
    throw badRequest(`entities ${a.type} and ${b.type} can't be nested`);
  }
}

/** Cuts the space around a text off, as Telegram does, and moves its entities with it. */
export function trimFormatted({ text, entities }: FormattedText): FormattedText {
  const skipped = text.length - text.trimStart().length;
  const trimmed = text.trim();
  const moved = entities.flatMap((entity) => {
    const start = Math.max(entity.offset - skipped, 0);
    const end = Math.min(entity.offset + entity.length - skipped, trimmed.length);
    return end > start ? [{ ...entity, offset: start, length: end - start }] : [];
  });
  return { text: trimmed, entities: moved };
}

const FOUND =
  /(?<![\w/])(?<bot_command>\/\w{1,32}(?:@\w{3,32})?)(?![\w/])|(?<!\w)(?<mention>@\w{3,32})\b|(?<url>https?:\/\/\S+)/g;

/** The entities Telegram finds by itself in what a person writes. */
export function findEntities(text: string): Entity[] {
  return Array.from(text.matchAll(FOUND), (match) => {
    const [type = "url"] =
      Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? [];
    return { type, offset: match.index, length: match[0].length };
  });
}
