import { describe } from "vitest";
import { itHoldsAgainst } from "./chaos-test.ts";
import { faultPoints } from "./faults/fault-points.ts";
import { workerKills } from "./faults/worker-kills.ts";

describe("the whole program, killed", () => {
  itHoldsAgainst(workerKills, "postgres");
  itHoldsAgainst(faultPoints, "postgres");
});
