import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { readStartCommand } from "../../test/fakes/start-command.ts";
import { modelOf } from "./answer-plan.ts";
import type { Round, RoundResult } from "./reader.main.ts";
import type { ReaderName } from "./readers.ts";

/** How many answers are read at once, and how they come. */
export interface Load {
  readonly name: string;
  readonly streams: number;
  readonly chunks: number;
  /** Chunks a second of each stream; `null` for as fast as they are taken. */
  readonly perSecond: number | null;
  readonly readers: readonly ReaderName[];
  /** Measured ones; one more before them only warms up. */
  readonly rounds: number;
}

/** The results of a load, by reader, in the order of the rounds. */
export type LoadResults = ReadonlyMap<ReaderName, readonly RoundResult[]>;

/** A server and one process for each reader; the readers take turns, and only one works at a time. */
export class Rounds implements AsyncDisposable {
  readonly #server: ChildProcess;
  readonly #readers = new Map<ReaderName, ChildProcess>();

  private constructor(server: ChildProcess) {
    this.#server = server;
  }

  static async start(loads: readonly Load[]): Promise<Rounds> {
    const rounds = new Rounds(fork(pathOf("model-server.main.ts")));
    const [port] = await once(rounds.#server, "message");
    const models = loads.map(modelOf);
    // As the program is started.
    const execArgv = readStartCommand().args.filter((argument) => argument.startsWith("--"));
    for (const name of new Set(loads.flatMap(({ readers }) => readers))) {
      const url = `http://127.0.0.1:${port}/v1`;
      const reader = fork(pathOf("reader.main.ts"), [name, url, ...models], { execArgv });
      rounds.#readers.set(name, reader);
      await once(reader, "message");
    }
    return rounds;
  }

  async run(load: Load): Promise<LoadResults> {
    const results = new Map<ReaderName, RoundResult[]>();
    for (let round = 0; round <= load.rounds; round++) {
      // In turns also in who is first, so that nobody always follows the same one.
      const shift = round % load.readers.length;
      for (const name of [...load.readers.slice(shift), ...load.readers.slice(0, shift)]) {
        const result = await this.#runOne(name, { model: modelOf(load), streams: load.streams });
        if (round > 0) results.set(name, [...(results.get(name) ?? []), result]);
      }
    }
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [this.#server, ...this.#readers.values()];
    const exits = children.map((child) => once(child, "exit"));
    for (const child of children) child.disconnect();
    await Promise.all(exits);
  }

  async #runOne(name: ReaderName, round: Round): Promise<RoundResult> {
    const reader = this.#readers.get(name);
    if (reader === undefined) throw new Error(`no reader ${name}`);
    const failed = once(reader, "exit").then(() => {
      throw new Error(`the reader ${name} ended`);
    });
    const answer = once(reader, "message");
    reader.send(round);
    const [result] = await Promise.race([answer, failed]);
    return result;
  }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
