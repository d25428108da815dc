import { type ExecFileOptions, execFile } from "node:child_process";

/** Runs a program to its end, as `promisify(execFile)` would; a wechat package spoils the types of that. */
export function runFile(
  file: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<{ readonly stdout: string }> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { ...options, encoding: "utf8" }, (error, stdout) => {
      if (error) reject(error);
      else resolve({ stdout });
    });
  });
}
