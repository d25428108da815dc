import { expect, it } from "vitest";
import type { Account } from "../../src/core/account/account.ts";
import { RuntimeSettings } from "../../src/core/admin/runtime-settings.ts";
import type { Command, CommandContext } from "../../src/core/commands/command.ts";
import {
  drainCommand,
  type OperationParts,
  priceCommand,
} from "../../src/core/commands/operation-commands.ts";
import { banCommand, type UserCommandParts } from "../../src/core/commands/user-commands.ts";
import { textsFor } from "../../src/core/texts/locales.ts";
import { ModelCatalog } from "../../src/core/upstream/model-catalog.ts";
import { testModel } from "../fakes/chat-settings.ts";
import { MemoryAuditLog } from "../fakes/memory-audit-log.ts";

/** Settings and a person whose changes a process may die before, or right after. */
function open() {
  let dies: "before" | "after" | null = null;
  const stored = new Map<string, unknown>();
  const change = (make: () => void) => {
    if (dies === "before") throw new Error("killed");
    make();
    if (dies === "after") throw new Error("killed");
  };
  const runtime = new RuntimeSettings({
    read: async (key) => stored.get(key),
    write: async (key, value) => change(() => stored.set(key, value)),
    merge: async (key, entries) =>
      change(() => stored.set(key, { ...(stored.get(key) as object), ...entries })),
  });
  const person = { id: "ABCDEFGHJK", status: "active", banReason: null as string | null };
  const accounts = {
    search: async () => [{ ...person } as Account],
    setBan: async (_account: string, reason: string | null) =>
      change(() => Object.assign(person, { status: "banned", banReason: reason })),
  };
  const audit = new MemoryAuditLog();
  const news: string[] = [];
  const parts = {
    ...{ audit, runtime, accounts, currency: "USD", settings: { defaultLocale: "en" } },
    models: new ModelCatalog([testModel], () => runtime.prices),
    notices: { toAdmins: async (cause: string) => void news.push(cause) },
    replies: { countOpen: async () => 0 },
  };
  /** Gives the command to a process that dies at its change, then to the next one. */
  const giveTwice = async (command: Command, args: string, when: "before" | "after") => {
    const context = {
      message: { id: "1", address: { platform: "fake", bot: "b", channel: "c", thread: null } },
      ...{ texts: textsFor("en"), actor: "fake:1", cause: "fake/b/c:1", isAdmin: true },
    } as CommandContext;
    const run = () => command.run(context, args);
    dies = when;
    await expect(run()).rejects.toThrow("killed");
    dies = null;
    // As a process does when it starts.
    await runtime.refresh();
    await run();
  };
  return { audit, runtime, person, news, giveTwice, parts };
}

it.each(["before", "after"] as const)(
  "/price, killed %s its change, is made and noted down once, with the price before",
  async (when) => {
    const { audit, runtime, giveTwice, parts } = open();
    await giveTwice(priceCommand(parts as unknown as OperationParts), "m 3 4", when);
    expect(runtime.prices.get("m")).toEqual({ input: 3_000_000n, output: 4_000_000n });
    expect(audit.records).toHaveLength(1);
    expect(audit.records[0]?.before).toContain("2.00");
    expect(audit.records[0]?.after).toContain("4.00");
  },
);

it.each(["before", "after"] as const)(
  "/drain, killed %s its change, is made and noted down once, with what was before",
  async (when) => {
    const { audit, runtime, giveTwice, parts } = open();
    await giveTwice(drainCommand(parts as unknown as OperationParts), "on", when);
    expect(runtime.isDraining).toBe(true);
    expect(audit.records).toMatchObject([{ action: "drain", before: false, after: true }]);
  },
);

it.each(["before", "after"] as const)(
  "/ban, killed %s its change, is made and noted down once, with what was before",
  async (when) => {
    const { audit, person, giveTwice, parts } = open();
    await giveTwice(banCommand(parts as unknown as UserCommandParts), "ABCDEFGHJK spam", when);
    expect(person).toMatchObject({ status: "banned", banReason: "spam" });
    expect(audit.records).toMatchObject([
      { action: "ban", before: { status: "active" }, after: { status: "banned" } },
    ]);
  },
);
