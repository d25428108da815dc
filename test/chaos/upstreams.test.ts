import { describe } from "vitest";
import { itHoldsAgainst } from "./chaos-test.ts";
import { brokenStreams } from "./faults/broken-streams.ts";
import { flakyKeys } from "./faults/flaky-keys.ts";
import { stopAndGone } from "./faults/stop-and-gone.ts";

describe("the whole program between bad upstreams and people who leave", () => {
  itHoldsAgainst(flakyKeys, "postgres");
  itHoldsAgainst(brokenStreams, "postgres");
  itHoldsAgainst(stopAndGone, "redis");
});
