import { inboxContract } from "../contract/inbox.contract.ts";
import { MemoryInbox } from "../fakes/memory-inbox.ts";

inboxContract("MemoryInbox", async () => new MemoryInbox());
