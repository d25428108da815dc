import { describe } from "vitest";
import { itHoldsAgainst } from "./chaos-test.ts";
import { cardRace } from "./faults/card-race.ts";
import { simulation } from "./faults/simulation.ts";
import { spendRace } from "./faults/spend-race.ts";

describe("the books", () => {
  itHoldsAgainst(cardRace, "postgres");
  itHoldsAgainst(spendRace, "postgres");
  itHoldsAgainst(simulation, "postgres");
});
