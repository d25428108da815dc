import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** What a start took. */
export interface Start {
  readonly readyMs: number;
  /** After it has been left alone for a while. */
  readonly rssMb: number;
}

export interface Launch {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What it prints once it serves. */
  readonly readyText: string;
}

const READY_LIMIT_MS = 60_000;
/** Long enough for the first timers and collections to have been. */
const IDLE_MS = 4_000;
const STOP_LIMIT_MS = 30_000;

/** Starts a node process, waits until it is ready and then idle, and stops it. */
export async function measureStart(launch: Launch): Promise<Start> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, launch.args, {
    cwd: launch.cwd,
    env: { PATH: process.env.PATH ?? "", ...launch.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    await waitForText(child, launch.readyText);
    const readyMs = performance.now() - startedAtMs;
    await sleep(IDLE_MS);
    return { readyMs, rssMb: rssMbOf(child.pid ?? 0) };
  } finally {
    await stop(child);
  }
}

async function waitForText(child: ChildProcess, text: string): Promise<void> {
  let output = "";
  let errors = "";
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = () => reject(new Error(`not ready:\n${output}\n${errors}`));
  const timer = setTimeout(giveUp, READY_LIMIT_MS);
  child.once("exit", giveUp);
  child.stdout?.on("data", (chunk) => {
    output += chunk;
    if (output.includes(text)) resolve();
  });
  await promise.finally(() => clearTimeout(timer));
}

function rssMbOf(pid: number): number {
  const kilobytes = execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return (Number(kilobytes) * 1024) / 1e6;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const hurry = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  await ended;
  clearTimeout(hurry);
}
