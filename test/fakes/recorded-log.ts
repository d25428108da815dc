import type { Logger } from "../../src/core/log.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sentence: string;
}

/** A log that keeps its lines. Those of its children are in it as well, with the fields of both. */
export class RecordedLog implements Logger {
  readonly lines: LogLine[];
  readonly #fields: object;

  constructor(lines: LogLine[] = [], fields: object = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug(fields: object, sentence: string): void {
    this.#write("debug", fields, sentence);
  }

  info(fields: object, sentence: string): void {
    this.#write("info", fields, sentence);
  }

  warn(fields: object, sentence: string): void {
    this.#write("warn", fields, sentence);
  }

  error(fields: object, sentence: string): void {
    this.#write("error", fields, sentence);
  }

  child(fields: object): Logger {
    return new RecordedLog(this.lines, { ...this.#fields, ...fields });
  }

  #write(level: LogLine["level"], fields: object, sentence: string): void {
    this.lines.push({ level, fields: { ...this.#fields, ...fields }, sentence });
  }
}
