import { createAccountId } from "../../src/core/ids.ts";
import { ledgerContract } from "../contract/ledger.contract.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

ledgerContract("MemoryLedger", async () => {
  const clock = new FakeClock({ start: new Date() });
  return {
    ledger: new MemoryLedger(clock),
    openAccount: async () => createAccountId(),
    passTime: (ms) => clock.advance(ms),
  };
});
