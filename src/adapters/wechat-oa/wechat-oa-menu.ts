import { createHash } from "node:crypto";
import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import type { Logger } from "../../core/log.ts";
import type { WechatOaApi } from "./wechat-oa-api.ts";
import { shortenBytes } from "./wechat-oa-content.ts";

const MEMORY_KEY = "menu";
// https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Creating_Custom-Defined_Menu.html
const BUTTON_BYTES_MAX = 16;
const ENTRY_BYTES_MAX = 60;

/** What the menu below the chat says. */
export interface MenuLabels {
  readonly newChat: string;
  /** Opens the list of the next two. */
  readonly account: string;
  readonly balance: string;
  readonly buy: string;
  readonly help: string;
}

/**
 * Shows the menu below the chat, unless it is there already: WeChat counts how often menus are
 * made. A refusal is logged; people can type commands as well.
 */
export async function publishMenu(
  labels: MenuLabels,
  parts: { readonly api: WechatOaApi; readonly memory: AdapterMemory; readonly log: Logger },
): Promise<void> {
  const { api, memory, log } = parts;
  const menu = describeMenu(labels);
  const version = createHash("sha256").update(JSON.stringify(menu)).digest("hex");
  try {
    if ((await memory.read(MEMORY_KEY)) === version) return;
    await api.call("menu/create", menu);
    await memory.write(MEMORY_KEY, version);
  } catch (error) {
    log.warn({ err: error }, "menu not published");
  }
}

/** At most three buttons stand side by side, so two commands share one. */
function describeMenu(labels: MenuLabels): object {
  return {
    button: [
      command(shortenBytes(labels.newChat, BUTTON_BYTES_MAX), "/new"),
      {
        name: shortenBytes(labels.account, BUTTON_BYTES_MAX),
        sub_button: [
          command(shortenBytes(labels.balance, ENTRY_BYTES_MAX), "/balance"),
          command(shortenBytes(labels.buy, ENTRY_BYTES_MAX), "/buy"),
        ],
      },
      command(shortenBytes(labels.help, BUTTON_BYTES_MAX), "/help"),
    ],
  };
}

/** A tap on it comes back as an event with the command as its key. */
function command(name: string, key: string): object {
  return { type: "click", name, key };
}
