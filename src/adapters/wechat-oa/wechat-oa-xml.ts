import { createRequire } from "node:module";
import type { XMLParser } from "fast-xml-parser";

const CDATA_START = "<![CDATA[";
const CDATA_END = "]]>";
/** What XML 1.0 allows no document to contain. https://www.w3.org/TR/xml/#charsets */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what has to go.
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** A megabyte that a program without a service account never needs. */
const require = createRequire(import.meta.url);
let loaded: { parser: XMLParser; isValid(document: string): boolean } | null = null;

function load() {
  const { XMLParser, XMLValidator } =
    require("fast-xml-parser") as typeof import("fast-xml-parser");
  const parser = new XMLParser({
    ignoreAttributes: true,
    // Message ids have more digits than a number can hold.
    parseTagValue: false,
    trimValues: false,
    processEntities: false,
  });
  return { parser, isValid: (document: string) => XMLValidator.validate(document) === true };
}

/** The fields of one message, by their name in the XML. */
export type XmlFields = Readonly<Record<string, string>>;

/**
 * The text fields directly inside `<xml>`; what is nested deeper is left out. `null` for anything
 * that is not well-formed, and for documents that declare types or entities.
 */
export function parseXml(document: string): XmlFields | null {
  if (hasDeclarations(document)) return null;
  try {
    loaded ??= load();
    if (!loaded.isValid(document)) return null;
    const root: unknown = loaded.parser.parse(document).xml;
    if (typeof root !== "object" || root === null) return null;
    const fields = Object.entries(root).filter(
      (field): field is [string, string] => typeof field[1] === "string",
    );
    return Object.fromEntries(fields);
  } catch {
    return null;
  }
}

/** One document of texts and numbers, in order. */
export function writeXml(fields: Readonly<Record<string, string | number>>): string {
  const elements = Object.entries(fields).map(([name, value]) => {
    const content = typeof value === "number" ? String(value) : cdata(value);
    return `<${name}>${content}</${name}>`;
  });
  return `<xml>${elements.join("")}</xml>`;
}

/** Without halves of characters and control characters: no XML may hold them. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(FORBIDDEN, "");
}

function cdata(text: string): string {
  const safe = cleanText(text).replaceAll(CDATA_END, `]]${CDATA_END}${CDATA_START}>`);
  return CDATA_START + safe + CDATA_END;
}

/** `<!DOCTYPE`, `<!ENTITY` and the like, anywhere but in what a person wrote. */
function hasDeclarations(document: string): boolean {
  for (let at = document.indexOf("<!"); at !== -1; at = document.indexOf("<!", at)) {
    if (!document.startsWith(CDATA_START, at)) return true;
    const end = document.indexOf(CDATA_END, at);
    if (end === -1) return true;
    at = end + CDATA_END.length;
  }
  return false;
}
