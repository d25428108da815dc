import type { LinkPictures } from "../core/account/link-pictures.ts";
import type { ChatConnections } from "../core/chat/chat-connections.ts";
import { balanceCommand } from "../core/commands/balance.ts";
import { buyCommand } from "../core/commands/buy.ts";
import { cardsCommand } from "../core/commands/cards.ts";
import type { ConnectedCommand } from "../core/commands/command-list.ts";
import { CommandList } from "../core/commands/command-list.ts";
import {
  historyCommand,
  newCommand,
  resumeCommand,
} from "../core/commands/conversation-commands.ts";
import { grantCommand } from "../core/commands/grant.ts";
import { helpCommand } from "../core/commands/help.ts";
import { linkCommand, unlinkCommand } from "../core/commands/link-commands.ts";
import {
  broadcastCommand,
  drainCommand,
  priceCommand,
} from "../core/commands/operation-commands.ts";
import { redeemCommand } from "../core/commands/redeem.ts";
import { retryCommand, stopCommand } from "../core/commands/reply-commands.ts";
import { langCommand, modelCommand, roleCommand } from "../core/commands/settings-commands.ts";
import { startCommand } from "../core/commands/start.ts";
import { statsCommand } from "../core/commands/stats.ts";
import { upstreamsCommand } from "../core/commands/upstreams.ts";
import { usageCommand } from "../core/commands/usage.ts";
import {
  banCommand,
  unbanCommand,
  undoCommand,
  userCommand,
} from "../core/commands/user-commands.ts";
import type { Core } from "./create-core.ts";

/** Every command of design and console, with the parts each needs. */
export function createCommands(
  core: Core,
  connections: () => ChatConnections,
  pictures: LinkPictures | null = null,
): CommandList {
  const { settings, conversations, accounts, models } = core;
  const commands: ConnectedCommand[] = [
    startCommand(settings),
    helpCommand(models),
    buyCommand(settings),
    redeemCommand(core.redeemCards, core.currency),
    balanceCommand(core),
    usageCommand(core),
    modelCommand(accounts, models, core.currency),
    roleCommand(accounts, core.roles),
    langCommand(accounts),
    newCommand(conversations, settings),
    historyCommand(conversations, settings),
    resumeCommand(conversations, settings),
    stopCommand(core.stopReplies),
    retryCommand(core.retryReply),
    linkCommand({ ...core, pictures }),
    unlinkCommand(core.linkAccounts),
    grantCommand(core),
    statsCommand(core),
    cardsCommand(core),
    userCommand(core),
    banCommand(core),
    unbanCommand(core),
    undoCommand(core),
    upstreamsCommand(core.pool, core.audit),
    priceCommand({ ...core, connections }),
    broadcastCommand({ ...core, connections }),
    drainCommand({ ...core, connections }),
  ];
  return new CommandList(commands);
}
