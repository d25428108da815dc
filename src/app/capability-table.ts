import { DISCORD_CAPABILITIES } from "../adapters/discord/discord-capabilities.ts";
import { TELEGRAM_CAPABILITIES } from "../adapters/telegram/telegram-capabilities.ts";
import { WEB_CAPABILITIES } from "../adapters/web/web-capabilities.ts";
import { ILINK_CAPABILITIES } from "../adapters/wechat/ilink/ilink-capabilities.ts";
import { ACCOUNT_CAPABILITIES } from "../adapters/wechat/wechat-capabilities.ts";
import {
  CUSTOMER_SERVICE_CAPABILITIES,
  PASSIVE_CAPABILITIES,
} from "../adapters/wechat-oa/wechat-oa-capabilities.ts";
import { WECOM_CAPABILITIES } from "../adapters/wecom/wecom-capabilities.ts";
import type { ChatCapabilities, ChatPace } from "../core/chat/chat-adapter.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const NONE = "–";

/** Every way into a chat app, as operators call it. */
const PLATFORMS: readonly (readonly [string, ChatCapabilities])[] = [
  ["Telegram", TELEGRAM_CAPABILITIES],
  ["Discord", DISCORD_CAPABILITIES],
  ["Web chat", WEB_CAPABILITIES],
  ["WeChat by iLink", ILINK_CAPABILITIES],
  ["WeChat by wechaty", ACCOUNT_CAPABILITIES],
  ["WeChat service account", CUSTOMER_SERVICE_CAPABILITIES],
  ["WeChat account that only answers", PASSIVE_CAPABILITIES],
  ["WeCom", WECOM_CAPABILITIES],
];

type Cell = (capabilities: ChatCapabilities) => string;

const COLUMNS: readonly (readonly [string, Cell])[] = [
  ["message, characters", ({ textLengthMax }) => grouped(textLengthMax)],
  ["message, bytes", ({ textBytesMax }) => (textBytesMax === null ? NONE : grouped(textBytesMax))],
  ["an answer grows", growth],
  ["edits apart, s: private / group", editInterval],
  [
    "edits possible for, min",
    ({ edit }) => (edit === null ? NONE : span(edit.windowMs, MINUTE_MS)),
  ],
  ["calls at once, then one every … s: private / group", pace],
  ["calls a second in all", ({ callsPerSecondMax }) => limit(callsPerSecondMax)],
  ["may answer for, min", ({ replyWindowMs }) => span(replyWindowMs, MINUTE_MS)],
  [
    "messages for one of the person",
    ({ sendsPerMessageMax }) => limit(sendsPerMessageMax ?? Number.POSITIVE_INFINITY),
  ],
  ["typing shown, s", ({ typingMs }) => (typingMs === null ? NONE : amount(typingMs / SECOND_MS))],
  ["buttons", ({ buttons }) => yes(buttons)],
  ["short messages are joined", ({ bursts }) => yes(bursts)],
  ["plain words are commands", ({ plainCommands }) => yes(plainCommands)],
  ["groups", ({ groups }) => yes(groups)],
  ["card codes can be deleted", ({ recall }) => yes(recall)],
  ["private answers in groups", ({ groups, privateAnswers }) => yes(groups && privateAnswers)],
];

/** What each platform allows, as one table in Markdown: platforms down, capabilities across. */
export function capabilityTable(): string {
  const header = ["platform", ...COLUMNS.map(([title]) => title)];
  const rows = PLATFORMS.map(([name, capabilities]) => [
    name,
    ...COLUMNS.map(([, cell]) => cell(capabilities)),
  ]);
  return [header, header.map(() => "---"), ...rows].map(line).join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function growth({ edit }: ChatCapabilities): string {
  if (edit === null) return "comes finished";
  return edit.style === "stream" ? "in a stream" : "by edits";
}

function editInterval({ edit, groups }: ChatCapabilities): string {
  if (edit === null) return NONE;
  const inGroup = groups ? amount(edit.groupIntervalMsMin / SECOND_MS) : NONE;
  return `${amount(edit.directIntervalMsMin / SECOND_MS)} / ${inGroup}`;
}

function pace({ pace: { direct, group }, groups }: ChatCapabilities): string {
  const words = ({ burst, refillMs }: ChatPace) => `${burst}, ${amount(refillMs / SECOND_MS)}`;
  return `${words(direct)} / ${groups ? words(group) : NONE}`;
}

/** A time in that unit; `null`: for ever. */
function span(ms: number | null, unitMs: number): string {
  return ms === null ? "always" : amount(ms / unitMs);
}

function limit(count: number): string {
  return Number.isFinite(count) ? grouped(count) : "any number";
}

function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

function yes(isSo: boolean): string {
  return isSo ? "yes" : NONE;
}
