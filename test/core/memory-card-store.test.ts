import { createAccountId } from "../../src/core/ids.ts";
import { cardStoreContract } from "../contract/card-store.contract.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryCardStore } from "../fakes/memory-card-store.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

cardStoreContract("MemoryCardStore", async () => {
  const clock = new FakeClock({ start: new Date() });
  const ledger = new MemoryLedger(clock);
  const created = new Map<string, Date>();
  return {
    cards: new MemoryCardStore(ledger, clock, (id) => created.get(id) ?? new Date(0)),
    ledger,
    async openAccount(ageMs = 0) {
      const id = createAccountId();
      created.set(id, new Date(clock.now().getTime() - ageMs));
      return id;
    },
    passTime: (ms) => clock.advance(ms),
  };
});
