/** A command as typed: its name in lower case, and the rest of the line. */
export interface ParsedCommand {
  readonly name: string;
  readonly args: string;
}

const COMMAND = /^[/／]([\p{L}\p{N}_]{1,32})(?:@[A-Za-z0-9_]+)?(?:\s+([\s\S]*))?$/u;

/** `null` when the text is no command. A full-width slash from a Chinese keyboard counts. */
export function parseCommand(text: string): ParsedCommand | null {
  const match = COMMAND.exec(text.trim());
  if (match?.[1] === undefined) return null;
  return { name: match[1].toLowerCase(), args: (match[2] ?? "").trim() };
}

/** The words of an argument list; several spaces count as one. */
export function words(args: string): string[] {
  return args.split(/\s+/).filter((word) => word !== "");
}

/** The first word and all that follows it. */
export function splitFirst(args: string): { readonly first: string; readonly rest: string } {
  const match = /^(\S+)\s*([\s\S]*)$/.exec(args.trim());
  return { first: match?.[1] ?? "", rest: match?.[2] ?? "" };
}
