import { describe } from "vitest";
import { itHoldsAgainst } from "./chaos-test.ts";
import { postgresOutage } from "./faults/postgres-outage.ts";

describe("the whole program without PostgreSQL", () => {
  itHoldsAgainst(postgresOutage, "redis");
});
