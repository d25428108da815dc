import { writeSync } from "node:fs";
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule } from "vitest/node";

const STDOUT = 1;
const MESSAGE_LENGTH_MAX = 300;

/**
 * Ends the output with a line for everything that failed, or passed at its second try only, and one
 * that a machine can read: "N passed, N failed, N skipped". A file that does not load, an error outside of a test and a failed
 * teardown count as a failure each.
 */
export class CountReporter implements Reporter {
  #passed = 0;
  #skipped = 0;
  #failures: string[] = [];
  #unsteady: string[] = [];

  onInit(): void {
    // When the process exits, because the teardown of the run may still print, and fail.
    process.once("exit", (exitCode) => {
      if (this.#failures.length === 0 && exitCode !== 0) {
        this.#failures.push(`the run itself, with exit code ${exitCode}`);
      }
      const lines = [
        ...this.#unsteady.map((test) => `second try: ${test}`),
        ...this.#failures.map((failure) => `failed: ${failure}`),
        `${this.#passed} passed, ${this.#failures.length} failed, ${this.#skipped} skipped`,
      ];
      writeSync(STDOUT, `${lines.join("\n")}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    this.#passed = count("passed");
    this.#skipped = count("skipped");
    this.#unsteady = tests
      .filter((test) => test.diagnostic()?.flaky)
      .map((test) => describe(nameOf(test), test.result().errors));
    const failedTests = tests.filter((test) => test.result().state === "failed");
    const brokenModules = modules.filter((module) => {
      return !module.ok() && ![...module.children.allTests("failed")].length;
    });
    this.#failures = [
      ...failedTests.map((test) => describe(nameOf(test), test.result().errors)),
      ...brokenModules.map((module) => describe(module.relativeModuleId, errorsOf(module))),
      ...unhandledErrors.map((error) => describe("outside of a test", [error])),
    ];
  }
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

/** Of the file itself and of its groups of tests: a hook of either may fail. */
function errorsOf(module: TestModule): SerializedError[] {
  return [module, ...module.children.allSuites()].flatMap((suite) => suite.errors());
}

function describe(
  where: string,
  errors: readonly { readonly message?: string }[] | undefined,
): string {
  const messages = (errors ?? []).map(({ message = "" }) => message.split("\n")[0] ?? "");
  return `${where}: ${[...new Set(messages)].join(" / ")}`.slice(0, MESSAGE_LENGTH_MAX);
}
