import { upstreamStateStoreContract } from "../contract/upstream-state-store.contract.ts";
import { MemoryUpstreamStateStore } from "../fakes/memory-upstream-state-store.ts";

upstreamStateStoreContract("MemoryUpstreamStateStore", async () => new MemoryUpstreamStateStore());
