import { beforeEach, describe, expect, it } from "vitest";
import type { Account, Identity, Person } from "../../src/core/account/account.ts";
import {
  LINK_CODE_LIFE_MS,
  LINK_TRY_LIMITS,
  LinkAccounts,
} from "../../src/core/account/link-accounts.ts";
import {
  createLinkCode,
  createLinkCodeHmac,
  formatLinkCode,
} from "../../src/core/account/link-code.ts";
import type { LinkPictures } from "../../src/core/account/link-pictures.ts";
import type { CommandContext } from "../../src/core/commands/command.ts";
import { linkCommand, unlinkCommand } from "../../src/core/commands/link-commands.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryAccountLinks } from "../fakes/memory-account-links.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

const MINUTE_MS = 60_000;
const texts = textsFor("en");

let clock: FakeClock;
let links: MemoryAccountLinks;
let link: LinkAccounts;
let told: { readonly to: string; readonly cause: string; readonly text: string }[];
let closed: number[];
let locale: string | null;
const identities = new Map<bigint, Identity>();

beforeEach(() => {
  clock = new FakeClock();
  links = new MemoryAccountLinks(clock);
  told = [];
  closed = [];
  locale = null;
  identities.clear();
  link = new LinkAccounts({
    links,
    accounts: {
      find: async (id) => accountOf(id),
      listIdentities: async (id) =>
        [...identities.values()].filter((identity) => links.accountOf(identity.id) === id),
    },
    notices: {
      async toIdentities(to, cause, text) {
        for (const { displayName } of to) told.push({ to: displayName, cause, text });
      },
    },
    hmac: createLinkCodeHmac(new Uint8Array(32).fill(1)),
    settings: { defaultLocale: "en" },
    onClosed: (tries) => closed.push(tries),
    clock,
  });
});

function accountOf(id: string): Account {
  return {
    id,
    status: "active",
    banReason: null,
    locale,
    model: null,
    role: null,
    showReceipt: null,
    createdAt: clock.now(),
  };
}

function person(displayName: string, platform = "telegram"): Person {
  const id = BigInt(identities.size + 1);
  const identity: Identity = {
    ...{ id, platform, bot: "1", platformUserId: `u${id}`, displayName, username: null },
    accountId: links.addIdentity(id),
    directChannel: `c${id}`,
  };
  identities.set(id, identity);
  return { account: accountOf(identity.accountId), identity, isNew: false, isTrialDue: false };
}

const privately = { isPublic: false };
const mustFail = (work: Promise<unknown>, code: string) =>
  expect(work).rejects.toMatchObject({ name: "UserError", code });

describe("LinkAccounts", () => {
  it("joins two chats and tells the one that showed the code", async () => {
    const [ann, bob] = [person("Ann"), person("Bob", "web")];
    const code = await link.issue(ann);
    const linked = await link.link(bob, formatLinkCode(code).toLowerCase(), privately);
    expect(linked.account.id).toBe(ann.account.id);
    expect(linked.identities.map(({ displayName }) => displayName)).toEqual(["Ann", "Bob"]);
    expect(told).toEqual([
      {
        to: "Ann",
        cause: `link:${bob.account.id}`,
        text: texts.link.linkedNotice("web · Bob"),
      },
    ]);
  });

  it("tells every chat but the one where it was typed, in the account's language", async () => {
    const [ann, bob, carol] = [person("Ann"), person("Bob"), person("Carol")];
    await link.link(carol, await link.issue(bob), privately);
    told.length = 0;
    locale = "zh";
    await link.link(carol, await link.issue(ann), privately);
    expect(told.map(({ to }) => to)).toEqual(["Ann", "Bob"]);
    expect(told[0]?.text).toBe(textsFor("zh").link.linkedNotice("telegram · Carol"));
  });

  it("says the same of a wrong code, an old one and one of another shape", async () => {
    const [ann, bob] = [person("Ann"), person("Bob")];
    const code = await link.issue(ann);
    await mustFail(link.link(bob, createLinkCode(), privately), "link_invalid");
    await mustFail(link.link(bob, "what is a code?", privately), "link_invalid");
    await clock.advance(LINK_CODE_LIFE_MS);
    await mustFail(link.link(bob, code, privately), "link_invalid");
    expect(told).toEqual([]);
  });

  it("refuses one's own code, a second time, and a blocked side", async () => {
    const [ann, bob, carol] = [person("Ann"), person("Bob"), person("Carol")];
    const code = await link.issue(ann);
    await mustFail(link.link(ann, code, privately), "link_own_code");
    await link.link(bob, code, privately);
    await mustFail(link.link(bob, code, privately), "link_already");
    const next = await link.issue(ann);
    links.ban(carol.account.id);
    await mustFail(link.link(carol, next, privately), "link_banned");
  });

  it("tells the other chat again when a crash came before, under the same cause", async () => {
    const [ann, bob] = [person("Ann"), person("Bob")];
    const code = await link.issue(ann);
    await link.link(bob, code, privately);
    await mustFail(link.link(bob, code, privately), "link_already");
    expect(told.map(({ cause }) => cause)).toEqual(Array(2).fill(`link:${bob.account.id}`));
  });

  it("looks at no sixth wrong code, also when it is right, until ten minutes are over", async () => {
    const [ann, bob] = [person("Ann"), person("Bob")];
    for (let time = 0; time < LINK_TRY_LIMITS.personMax; time += 1) {
      await mustFail(link.link(bob, createLinkCode(), privately), "link_invalid");
    }
    await clock.advance(9 * MINUTE_MS);
    const code = await link.issue(ann);
    await expect(link.link(bob, code, privately)).rejects.toMatchObject({
      code: "link_locked",
      details: { minutes: 1 },
    });
    await clock.advance(MINUTE_MS);
    expect((await link.link(bob, code, privately)).identities).toHaveLength(2);
  });

  it("counts no code that was right, or was the person's own", async () => {
    const [ann, bob] = [person("Ann"), person("Bob")];
    const code = await link.issue(ann);
    for (let time = 0; time < 10; time += 1) {
      await mustFail(link.link(ann, code, privately), "link_own_code");
    }
    await link.link(bob, code, privately);
    for (let time = 0; time < 10; time += 1) {
      await mustFail(link.link(bob, code, privately), "link_already");
    }
  });

  it("looks at nobody's codes after a thousand wrong ones, and says so once", async () => {
    const guesser = (number: number) => person(`G${number}`);
    for (let number = 0; number < LINK_TRY_LIMITS.everybodyMax; number += 1) {
      await mustFail(link.link(guesser(number), createLinkCode(), privately), "link_invalid");
    }
    expect(closed).toEqual([1_000]);
    const [ann, bob] = [person("Ann"), person("Bob")];
    await mustFail(link.link(bob, await link.issue(ann), privately), "link_locked");
    expect(closed).toHaveLength(1);
  });

  it("leaves no code alive that others read, whatever came of it", async () => {
    const [ann, bob, thief] = [person("Ann"), person("Bob"), person("Thief")];
    const code = await link.issue(ann);
    await mustFail(link.link(ann, code, { isPublic: true }), "link_own_code");
    await mustFail(link.link(thief, code, privately), "link_invalid");
    const next = await link.issue(ann);
    expect((await link.link(bob, next, { isPublic: true })).identities).toHaveLength(2);
  });

  it("takes a chat off and tells those that keep the credit", async () => {
    const [ann, bob] = [person("Ann"), person("Bob")];
    await mustFail(link.unlink(ann), "unlink_only_one");
    await link.link(bob, await link.issue(ann), privately);
    told.length = 0;
    const rest = await link.unlink(ann);
    expect(rest.map(({ displayName }) => displayName)).toEqual(["Bob"]);
    expect(told).toMatchObject([{ to: "Bob", text: texts.link.unlinkedNotice("telegram · Ann") }]);
    await mustFail(link.unlink(bob), "unlink_only_one");
  });
});

describe("/link and /unlink", () => {
  const contextOf = (who: Person, isDirect = true): CommandContext => ({
    message: {
      id: "m",
      address: { platform: "telegram", bot: "1", channel: "c", thread: null },
      sender: { platformUserId: "u", displayName: "", username: null, locale: null },
      text: "",
      isDirect,
      isEdit: false,
      quotedText: null,
      attachments: [],
      receivedAt: clock.now(),
    },
    person: who,
    locale: "en",
    texts,
    cause: "telegram/1/c:m",
    actor: "telegram:u",
    isAdmin: false,
  });
  const commands = (pictures: LinkPictures | null = null) => ({
    link: linkCommand({
      linkAccounts: link,
      ledger: new MemoryLedger(clock),
      currency: "USD",
      pictures,
    }),
    unlink: unlinkCommand(link),
  });

  it("show a code that works in the other chat, and only in private", async () => {
    const [ann, bob] = [person("Ann"), person("Bob", "web")];
    const { link: run } = commands();
    const shown = await run.run(contextOf(ann, false), "");
    expect(shown).toMatchObject({ isPrivate: true, isSecret: true });
    expect(shown?.groupText).toBeUndefined();
    const [, code = ""] = /\/link (\w{4}-\w{4})/.exec(shown?.text ?? "") ?? [];
    const answer = await run.run(contextOf(bob), code);
    expect(answer?.text).toContain("telegram · Ann");
    expect(answer?.text).toContain("web · Bob");
    expect(answer?.text).toContain("**Balance:** 0 messages");
    expect(answer?.isPrivate).toBe(true);
  });

  it("show a picture to scan as well, but not where it would be scanned", async () => {
    const made: string[] = [];
    const pictures = (platform: string): LinkPictures => ({
      platform,
      create: async (code, lifeMs) => {
        made.push(`${code} for ${lifeMs} ms`);
        return "https://qr.example/1";
      },
    });
    const ann = person("Ann");
    const elsewhere = await commands(pictures("wechat-oa")).link.run(contextOf(ann, false), "");
    expect(elsewhere?.text).toContain("(https://qr.example/1)");
    const [, code = ""] = /\/link (\w{4}-\w{4})/.exec(elsewhere?.text ?? "") ?? [];
    expect(made).toEqual([`${code.replace("-", "")} for ${LINK_CODE_LIFE_MS} ms`]);
    const here = await commands(pictures("telegram")).link.run(contextOf(ann, false), "");
    expect(here?.text).not.toContain("qr.example");
    const none = { platform: "wechat-oa", create: async () => null };
    expect((await commands(none).link.run(contextOf(ann, false), ""))?.text).toContain("/link ");
    expect(made).toHaveLength(1);
  });

  it("name the chats that keep the credit", async () => {
    const [ann, bob] = [person("*Ann*"), person("", "web")];
    await link.link(bob, await link.issue(ann), privately);
    const answer = await commands().unlink.run(contextOf(bob), "");
    expect(answer?.text).toContain("telegram · \\*Ann\\*");
    expect(answer?.text).not.toContain("web");
  });

  it("take nobody off who named another chat", async () => {
    const [ann, bob] = [person("Ann"), person("Bob")];
    await link.link(bob, await link.issue(ann), privately);
    await mustFail(commands().unlink.run(contextOf(bob), "telegram") as Promise<unknown>, "usage");
    expect(links.accountOf(bob.identity.id)).toBe(ann.account.id);
  });
});
