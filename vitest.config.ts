import { defineConfig } from "vitest/config";
import { CountReporter } from "./test/setup/count-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/setup/database.ts",
    setupFiles: "test/setup/leftovers.ts",
    reporters: ["default", new CountReporter()],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Tests of crashes and outages wait in real time, for which a busy machine may have none.
    retry: 1,
  },
});
