import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readStartCommand } from "./start-command.ts";

const MAIN = resolve(import.meta.dirname, "../../src/main.ts");
const command = readStartCommand();
const START_LIMIT_MS = 30_000;

/** The whole program in a process of its own, as an operator starts it. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  #output = "";
  #errors = "";

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stdout?.on("data", (chunk) => {
      this.#output += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      this.#errors += chunk;
    });
  }

  /**
   * Starts it in an empty folder with nothing in its environment but `env`; any free port. `main` is
   * the file of another version of the program.
   */
  static async launch(
    env: Readonly<Record<string, string>>,
    main: string = MAIN,
  ): Promise<RunningProgram> {
    const directory = await mkdtemp(join(tmpdir(), "dianka-e2e-"));
    const flags = command.args.filter((argument) => argument.startsWith("--"));
    const own = { PATH: process.env.PATH ?? "", PORT: "0", DATA_DIR: join(directory, "data") };
    const child = spawn(process.execPath, [...flags, main], {
      cwd: directory,
      env: { ...command.env, ...own, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new RunningProgram(child, directory);
  }

  /** The same, and waits for its banner. */
  static async start(
    env: Readonly<Record<string, string>>,
    main: string = MAIN,
  ): Promise<RunningProgram> {
    const program = await RunningProgram.launch(env, main);
    await program.waitForOutput("Dianka is ready");
    return program;
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get url(): string {
    const [, port] = /http:\/\/localhost:(\d+)/.exec(this.#output) ?? [];
    return `http://127.0.0.1:${port}`;
  }

  async waitForOutput(text: string): Promise<void> {
    const deadlineMs = performance.now() + START_LIMIT_MS;
    while (!this.#output.includes(text)) {
      if (this.#child.exitCode !== null || performance.now() > deadlineMs) {
        throw new Error(`The program did not say "${text}":\n${this.#output}\n${this.#errors}`);
      }
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    if (this.isRunning) {
      await once(this.#child, "close");
    }
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    const hurry = setTimeout(() => this.#child.kill("SIGKILL"), 15_000);
    await this.ended();
    clearTimeout(hurry);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
