import { describe } from "vitest";
import { itHoldsAgainst } from "./chaos-test.ts";
import { redisOutage } from "./faults/redis-outage.ts";

describe("the whole program without Redis", () => {
  itHoldsAgainst(redisOutage, "redis");
});
