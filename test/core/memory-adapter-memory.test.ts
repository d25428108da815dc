import { adapterMemoryContract } from "../contract/adapter-memory.contract.ts";
import { MemoryAdapterMemory } from "../fakes/memory-adapter-memory.ts";

adapterMemoryContract("MemoryAdapterMemory", async () => new MemoryAdapterMemory());
