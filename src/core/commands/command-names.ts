/** What everybody may do, in the order in which it is listed. */
export const PERSON_COMMANDS = [
  "start",
  "help",
  "ask",
  "redeem",
  "buy",
  "balance",
  "usage",
  "model",
  "role",
  "lang",
  "new",
  "history",
  "resume",
  "stop",
  "retry",
  "link",
  "unlink",
] as const;
export type PersonCommandName = (typeof PERSON_COMMANDS)[number];

/** What only admins in an admin chat may do. */
export const ADMIN_COMMANDS = [
  "grant",
  "stats",
  "cards",
  "user",
  "ban",
  "unban",
  "undo",
  "upstreams",
  "price",
  "broadcast",
  "drain",
] as const;
export type AdminCommandName = (typeof ADMIN_COMMANDS)[number];
export type CommandName = PersonCommandName | AdminCommandName;

/** How each command is written; the same in every language. */
export const USAGE: Readonly<Record<CommandName, string>> = {
  start: "/start",
  help: "/help",
  ask: "/ask TEXT",
  redeem: "/redeem CODE [CODE …]",
  buy: "/buy",
  balance: "/balance",
  usage: "/usage [on|off]",
  model: "/model [name]",
  role: "/role [name]",
  lang: "/lang [code]",
  new: "/new",
  history: "/history",
  resume: "/resume N",
  stop: "/stop",
  retry: "/retry",
  link: "/link [CODE]",
  unlink: "/unlink",
  grant: "/grant USER AMOUNT[m] [DAYS] REASON…",
  stats: "/stats [today|7d|30d] [model|user|batch]",
  cards:
    "/cards new BATCH COUNT AMOUNT[m] DAYS [expires=YYYY-MM-DD] [limit=N] [models=A,B] · /cards list|show|freeze|unfreeze|void BATCH",
  user: "/user USER",
  ban: "/ban USER REASON",
  unban: "/unban USER",
  undo: "/undo ENTRY",
  upstreams: "/upstreams [check|enable|disable NAME]",
  price: "/price MODEL IN OUT",
  broadcast: "/broadcast TEXT",
  drain: "/drain [on|off]",
};
