import { enAdmin } from "./en-admin.ts";
import { enErrors } from "./en-errors.ts";
import { enLink } from "./en-link.ts";
import type { Texts } from "./texts.ts";

const models = (names: readonly string[] | null) =>
  names === null ? "" : `, only for ${names.join(", ")}`;
const until = (date: string | null) => (date === null ? "no end date" : `until ${date}`);
const tokens = (input: number | null, output: number | null) =>
  input === null ? "" : ` · ${input} + ${output ?? 0} tokens`;
const answeredBy = (asked: string, answered: string | null) =>
  answered === null || answered === asked ? asked : `${asked} (answered by ${answered})`;

export const en: Texts = {
  ...enErrors,
  ...enAdmin,
  languageName: "English",
  freeReasons: {
    slow: "free, because it came late",
    upstream_cut: "free, because it broke off",
    failed: "free, because it failed",
    nothing_delivered: "free, because nothing was delivered",
  },
  lotKinds: {
    trial: "free trial",
    gift: "gift",
    compensation: "compensation",
    plan: "plan",
    card: "card",
    paid: "paid",
  },
  amount: (unit, text, currency) =>
    unit === "message" ? `${text} ${text === "1" ? "message" : "messages"}` : `${text} ${currency}`,
  commands: {
    start: "Welcome and free trial",
    help: "What you can do here",
    ask: "Ask a question",
    redeem: "Activate a recharge card",
    buy: "How to get more credit",
    balance: "What you have left and until when",
    usage: "What your last answers cost; on or off shows it under each answer",
    model: "Show or choose the model",
    role: "Show or choose the assistant's role",
    lang: "Show or choose the language",
    new: "Begin a new conversation",
    history: "Your conversations",
    resume: "Go on with an old conversation",
    stop: "Stop the answer being written",
    retry: "Answer the last question again",
    link: "Use one account in several chats; with the code shown in the other one",
    unlink: "Take this chat off your account",
  },
  buttons: { stop: "⏹ Stop", retry: "🔄 Retry", new: "✨ New chat" },
  placeholder: "💭 …",
  welcome: ({ trialMessages, isNew }) =>
    [
      isNew && trialMessages > 0
        ? `👋 Welcome! You have **${trialMessages} free messages**: just write your question.`
        : "👋 Welcome back! Just write your question.",
      "Have a recharge card? Send `/redeem CODE`. Everything else: /help",
    ].join("\n\n"),
  help: ({ commands, models: names }) =>
    `Write a question and the answer streams in. You pay only for what you get.\n\n${commands}\n\nModels: ${names}`,
  howToTopUp: "Top up with a recharge card: `/redeem CODE`",
  receipt: (line) =>
    `— ${answeredBy(line.modelAsked, line.modelAnswered)}${tokens(line.inputTokens, line.outputTokens)} · ${
      line.freeReason === null ? line.cost : en.freeReasons[line.freeReason]
    } · left: ${line.left}`,
  slowAnswer: "⏱ This answer came later than we promise, so it is free.",
  cutAnswer: "⚠️ The answer broke off here. You pay only for what came.",
  stoppedAnswer: "⏹ Stopped.",
  moneyMessageAnswer:
    "Thank you, but we cannot take transfers or red packets. Recharge with a card: /redeem CODE",
  stillWorking: "Still working on it. Send anything to get the answer.",
  plainWelcome: "Hello! Just write your question. “help” shows what else there is.",
  menuLabels: {
    newChat: "New chat",
    account: "Account",
    balance: "Balance",
    buy: "Buy",
    help: "Help",
  },
  restWaits: (page) => `✂️ There is more: write “more”${page === null ? "" : ` or open ${page}`}`,
  balance: ({ credit, messages, lots, today }) =>
    [
      `**Balance:** ${credit} · ${messages}`,
      ...lots.map(
        (lot) =>
          `- ${lot.amount} · ${en.lotKinds[lot.kind]} · ${until(lot.validUntil)}${models(lot.models)}`,
      ),
      `Today: ${today.requests} ${today.requests === 1 ? "answer" : "answers"}, ${today.cost}`,
    ].join("\n"),
  usage: (lines) =>
    lines.length === 0
      ? "No answers yet."
      : [
          "**Your last answers**",
          ...lines.map(
            (line) =>
              `- ${line.at} · ${answeredBy(line.modelAsked, line.modelAnswered)}${tokens(
                line.inputTokens,
                line.outputTokens,
              )} · ${line.freeReason === null ? line.cost : en.freeReasons[line.freeReason]}`,
          ),
        ].join("\n"),
  receiptSwitched: (isOn) =>
    isOn ? "Each answer now shows what it cost." : "Answers no longer show what they cost.",
  redeemed: ({ amount, validUntil, isExtended, code }) =>
    `✅ ${code}: **${amount}** added, ${until(validUntil)}.${
      isExtended ? " What was left of your earlier cards now lasts as long." : ""
    }`,
  redeemAlreadyYours: (code) => `ℹ️ ${code}: already yours; nothing was added again.`,
  redeemTypo: (code) =>
    `✏️ ${code}: there is a typo in this code. Please check it and send it again.`,
  redeemInvalid: (code) => `❌ ${code}: invalid or used.`,
  redeemLimit: (code) =>
    `❌ ${code}: you have already used as many cards of this kind as one person may.`,
  redeemLocked: (date) => `🔒 Too many wrong codes. Please try again after ${date}.`,
  link: enLink,
  redeemAskPrivate: "Please send codes to me in private, where nobody else can read them.",
  redeemDoneInGroup:
    "✅ Your card has been processed; /balance in a private chat with me shows the result.",
  redeemDeleteYourself:
    "⚠️ I may not delete messages here. Please delete the one with the code yourself.",
  privateOnly: "That is private: please open a chat with me and send it there.",
  sentInPrivate: "I have answered you in private.",
  models: (lines) =>
    [
      "**Models** (choose with `/model name`)",
      ...lines.map((line) => `- ${line.isChosen ? "✅ " : ""}\`${line.name}\` · ${line.price}`),
    ].join("\n"),
  modelPrice: ({ input, output, messages, currency }) =>
    `${input} in / ${output} out ${currency} per million tokens${
      messages === null
        ? ""
        : `, or ${messages} ${messages === 1 ? "message" : "messages"} an answer`
    }`,
  modelChosen: (name, price) => `✅ Model: \`${name}\` · ${price}`,
  roles: (lines) =>
    [
      "**Roles** (choose with `/role name`)",
      ...lines.map((line) => `- ${line.isChosen ? "✅ " : ""}\`${line.name}\` · ${line.title}`),
    ].join("\n"),
  roleChosen: (title) => `✅ Role: ${title}`,
  languages: (lines) =>
    [
      "**Languages** (choose with `/lang code`)",
      ...lines.map((line) => `- ${line.isChosen ? "✅ " : ""}\`${line.code}\` · ${line.name}`),
    ].join("\n"),
  languageChosen: (name) => `✅ Language: ${name}`,
  newConversation: "✨ New conversation. What would you like to know?",
  history: (lines) =>
    [
      "**Your conversations** (go on with `/resume N`)",
      ...lines.map(
        (line) => `${line.number}. ${line.title} · ${line.at}${line.isCurrent ? " · current" : ""}`,
      ),
    ].join("\n"),
  historyEmpty: "You have no conversations yet. Just write a question.",
  untitled: "(untitled)",
  resumed: (title) => `▶️ Going on with “${title}”.`,
  stopped: (count) => (count === 1 ? "⏹ Stopped." : `⏹ Stopped ${count} answers.`),
  nothingToStop: "Nothing is being written right now.",
  stopping: "Stopping …",
  notYourButton: "This button belongs to somebody else.",
  editMerged:
    "This message became one question together with others. Please send what you changed as a new message.",
  editTooLate:
    "The answer to this message has begun. Press Retry to have the changed question answered.",
};
