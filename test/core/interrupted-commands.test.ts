import { describe, expect, it } from "vitest";
import type { Account } from "../../src/core/account/account.ts";
import { createCardPepper } from "../../src/core/cards/card-code.ts";
import { EditBudget } from "../../src/core/chat/edit-budget.ts";
import { cardsCommand } from "../../src/core/commands/cards.ts";
import type { Answer, CommandContext } from "../../src/core/commands/command.ts";
import { grantCommand } from "../../src/core/commands/grant.ts";
import { type UserCommandParts, undoCommand } from "../../src/core/commands/user-commands.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { ModelCatalog } from "../../src/core/upstream/model-catalog.ts";
import { FakeChat } from "../fakes/fake-chat.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryAuditLog } from "../fakes/memory-audit-log.ts";
import { MemoryCardStore } from "../fakes/memory-card-store.ts";
import { MemoryLedger } from "../fakes/memory-ledger.ts";

const KILLED = /killed before it was noted down/;
const ACCOUNT = "ABCDEFGHJK";

/** Admin commands whose process dies between what they did and its record. */
function open() {
  const clock = new FakeClock({ autoAdvance: true });
  const ledger = new MemoryLedger(clock);
  const audit = new MemoryAuditLog();
  const told: string[] = [];
  const account: Account = {
    ...{ id: ACCOUNT, banReason: null, locale: null, model: null, role: null, showReceipt: null },
    ...{ status: "active", createdAt: clock.now() },
  };
  const notices = {
    toAccount: async (_account: string, cause: string, { text }: { text: string }) => {
      told.push(`${cause} ${text}`);
    },
  };
  const accounts = { search: async () => [account] };
  const parts = { accounts, ledger, audit, notices, currency: "USD", clock };
  const chat = new FakeChat({}, clock);
  const { pace, callsPerSecondMax } = chat.capabilities;
  const connection = { sender: chat, budget: new EditBudget(clock, pace, callsPerSecondMax) };
  const cards = new MemoryCardStore(ledger, clock);
  const pepper = createCardPepper(1, Buffer.alloc(32, 7));
  const models = new ModelCatalog([], () => new Map());
  const grant = grantCommand(parts);
  const undo = undoCommand(parts as unknown as UserCommandParts);
  const make = cardsCommand({ cards, pepper, audit, models, currency: "USD", clock });

  /** The same `message` may come again. */
  const contextOf = (message: string) =>
    ({
      message: { id: message, address: { platform: "fake", bot: "b", channel: "c", thread: null } },
      ...{ texts: textsFor("en"), actor: "fake:1", cause: `fake/b/c:${message}`, isAdmin: true },
    }) as CommandContext;
  const give = async (message: string, text: string): Promise<string> => {
    const [name, ...args] = text.split(" ");
    const context = contextOf(message);
    let answer: Answer | null;
    if (name === "grant") answer = await grant.run(context, args.join(" "));
    else if (name === "undo") answer = await undo.run(context, args.join(" "));
    else answer = await make.run(context, args.join(" "), connection);
    return answer?.text ?? "";
  };
  /** Gives the command to a process that dies, and then to the next one. */
  const giveTwice = async (message: string, text: string): Promise<string> => {
    audit.isAway = true;
    await expect(give(message, text)).rejects.toThrow(KILLED);
    audit.isAway = false;
    return await give(message, text);
  };
  return { ledger, audit, told, cards, give, giveTwice };
}

describe("an admin command that was interrupted", () => {
  it("/grant adds once, is noted down, tells the person and shows the entry to undo", async () => {
    const { ledger, audit, told, giveTwice } = open();
    const answer = await giveTwice("1", `grant ${ACCOUNT} 5 30 sorry`);
    expect((await ledger.balance(ACCOUNT)).available.credit).toBe(5_000_000n);
    const entry = await ledger.findGrantEntry("grant:fake/b/c:1");
    expect(answer).toContain(`/undo ${entry}`);
    expect(audit.records).toMatchObject([{ action: "grant", after: { entry: `${entry}` } }]);
    expect(told).toHaveLength(1);
  });

  it("/undo takes back once and is noted down; the next one is told that it was", async () => {
    const { ledger, audit, give, giveTwice } = open();
    await give("1", `grant ${ACCOUNT} 5 30 sorry`);
    const entry = await ledger.findGrantEntry("grant:fake/b/c:1");
    expect(await giveTwice("2", `undo ${entry}`)).toContain("5.00 USD");
    expect((await ledger.balance(ACCOUNT)).available.credit).toBe(0n);
    expect(audit.records.map(({ action }) => action)).toEqual(["grant", "undo"]);
    await expect(give("3", `undo ${entry}`)).rejects.toMatchObject({ code: "already_undone" });
  });

  it("/cards new says that nobody may have the codes, and is noted down", async () => {
    const { audit, cards, give, giveTwice } = open();
    expect(await giveTwice("1", "cards new SPRING 3 5 30")).toContain("/cards void SPRING");
    expect(audit.records).toMatchObject([{ action: "cards new", target: "SPRING" }]);
    expect((await cards.findBatch("SPRING"))?.cards.active).toBe(3);
    await expect(give("2", "cards new SPRING 3 5 30")).rejects.toMatchObject({
      code: "batch_exists",
    });
  });

  it("/cards new says so too when it died later, while it sent the file", async () => {
    const { audit, give } = open();
    await give("1", "cards new SPRING 3 5 30");
    expect(await give("1", "cards new SPRING 3 5 30")).toContain("/cards void SPRING");
    expect(audit.records).toHaveLength(1);
  });
});
