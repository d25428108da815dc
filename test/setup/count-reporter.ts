import { writeSync } from "node:fs";
import type { SerializedError } from "vitest";
import type { Reporter, TestModule } from "vitest/node";

const STDOUT = 1;

/**
 * Ends the output with one line that a machine can read: "N passed, N failed, N skipped". A file that
 * does not load, an error outside of a test and a failed teardown count as a failure each.
 */
export class CountReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  onInit(): void {
    // When the process exits, because the teardown of the run may still print, and fail.
    process.once("exit", (exitCode) => {
      const failed = this.#failed === 0 && exitCode !== 0 ? 1 : this.#failed;
      writeSync(STDOUT, `${this.#passed} passed, ${failed} failed, ${this.#skipped} skipped\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const brokenModules = modules.filter((module) => {
      return !module.ok() && ![...module.children.allTests("failed")].length;
    });
    this.#passed = count("passed");
    this.#skipped = count("skipped");
    this.#failed = count("failed") + brokenModules.length + unhandledErrors.length;
  }
}
