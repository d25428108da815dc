import { webMessageStoreContract } from "../contract/web-message-store.contract.ts";
import { MemoryWebMessageStore } from "../fakes/memory-web-message-store.ts";

webMessageStoreContract("MemoryWebMessageStore", async () => new MemoryWebMessageStore());
