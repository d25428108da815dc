import { accountLinksContract } from "../contract/account-links.contract.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryAccountLinks } from "../fakes/memory-account-links.ts";

accountLinksContract("MemoryAccountLinks", async () => {
  const clock = new FakeClock();
  const links = new MemoryAccountLinks(clock);
  let people = 0n;
  return {
    links,
    async openPerson() {
      people += 1n;
      return { accountId: links.addIdentity(people), identityId: people };
    },
    ban: async (accountId) => links.ban(accountId),
    accountOf: async (identityId) => links.accountOf(identityId),
    passTime: (ms) => clock.advance(ms),
  };
});
