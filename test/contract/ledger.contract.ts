import { ledgerCapturesContract } from "./ledger-captures.contract.ts";
import { ledgerHoldsContract } from "./ledger-holds.contract.ts";
import { ledgerJournalContract } from "./ledger-journal.contract.ts";
import { ledgerLotsContract } from "./ledger-lots.contract.ts";
import type { OpenLedger } from "./ledger-under-test.ts";

/** What any ledger must do, whatever keeps its entries. */
export function ledgerContract(name: string, open: OpenLedger): void {
  ledgerLotsContract(name, open);
  ledgerHoldsContract(name, open);
  ledgerCapturesContract(name, open);
  ledgerJournalContract(name, open);
}
