import type { Texts } from "./texts.ts";

export const enErrors: Pick<Texts, "errors" | "failures"> = {
  errors: {
    account_banned: ({ reason }) => `🚫 Your account is blocked: ${reason}`,
    insufficient_credit: ({ needed, available }) =>
      `💳 Not enough credit: this question needs ${needed}, you have ${available}. Top up with a recharge card: \`/redeem CODE\``,
    rate_limited: ({ seconds }) =>
      `🐢 That is faster than I can serve you. Please wait ${seconds} s.`,
    message_too_long: ({ length, lengthMax }) =>
      `✂️ Your message has ${length} characters; at most ${lengthMax} can be answered. Please shorten or split it.`,
    message_empty: () => "Please write a question in words.",
    image_not_supported: ({ model }) =>
      `🖼 The model ${model} cannot see pictures. Choose another with /model.`,
    attachment_not_supported: ({ name }) =>
      `📎 I cannot read “${name}”. Send text, a text file or a picture.`,
    attachment_too_large: ({ megabytes }) =>
      `📎 The file is too large; at most ${megabytes} MB can be read.`,
    queue_full: ({ count }) =>
      `⏳ ${count} of your questions are still waiting for their answers. Please let them finish, or send /stop.`,
    draining: () =>
      "🔧 We are being updated and take no new questions for a few minutes. Please try again soon.",
    unknown_command: ({ command }) => `I do not know the command ${command}. /help lists them all.`,
    usage: ({ usage }) => `Please write it like this: \`${usage}\``,
    unknown_user: ({ user }) =>
      `Nobody is known as “${user}”. Use platform:id, an account id or a unique @name.`,
    unknown_model: ({ name }) => `There is no model “${name}”. /model lists them all.`,
    unknown_role: ({ name }) => `There is no role “${name}”. /role lists them all.`,
    unknown_locale: ({ name }) => `There is no language “${name}”. /lang lists them all.`,
    unknown_conversation: ({ number }) =>
      `There is no conversation number ${number}. /history lists them all.`,
    unknown_batch: ({ name }) =>
      `There is no card batch “${name}”. \`/cards list\` lists them all.`,
    unknown_entry: ({ entry }) =>
      `There is no entry ${entry}. \`/user USER\` lists a person's entries.`,
    unknown_upstream: ({ name }) => `There is no upstream “${name}”. /upstreams lists them all.`,
    link_invalid: () =>
      "❌ This code is not valid, or not any more. Send /link in the other chat for a new one.",
    link_own_code: () => "ℹ️ This is your own code. Send it from your other chat.",
    link_already: () => "✅ These chats are one account already.",
    link_banned: () => "🚫 A blocked account cannot be linked or taken apart.",
    link_locked: ({ minutes }) =>
      `🔒 Too many wrong codes. Please try again in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
    unlink_only_one: () => "ℹ️ This chat is the only one of your account.",
    nothing_to_retry: () => "There is no question to answer again yet.",
    batch_exists: ({ name }) =>
      `A batch “${name}” exists already. A batch name is used only once; choose another.`,
    batch_state: ({ name, state }) =>
      `The batch “${name}” is ${state}; that cannot be done with it.`,
    amount_invalid: ({ amount }) =>
      `“${amount}” is not an amount. Write e.g. \`5\` or \`0.50\` for credit, \`100m\` for messages; more than 0, at most 6 decimals.`,
    days_invalid: ({ days }) => `“${days}” is not a number of days from 1 to 3650.`,
    count_invalid: ({ count, countMax }) => `“${count}” is not a number from 1 to ${countMax}.`,
    date_invalid: ({ date }) => `“${date}” is not a date in the future. Write it as YYYY-MM-DD.`,
    name_invalid: ({ name }) =>
      `“${name}” cannot be a name: use 1 to 40 letters, digits, “-”, “_” or “.”.`,
    already_undone: ({ entry }) => `Entry ${entry} has been undone before; nothing was changed.`,
    cannot_undo: ({ entry }) =>
      `Entry ${entry} cannot be undone: only what is left of a grant or a card can be taken back.`,
    model_not_available: () => "This model is not available right now. Choose another with /model.",
    file_no_room: () =>
      "📄 This platform does not take the whole file now, so nothing was made. Ask for fewer, or from an admin chat on another platform.",
    try_later: () =>
      "Something went wrong on our side. Nothing was charged; please try again in a moment.",
  },
  failures: {
    upstream_unavailable:
      "😔 No answer could be had right now. It cost nothing; please press Retry in a moment.",
    upstream_cut: "⚠️ The answer broke off. It cost nothing; please press Retry.",
    upstream_rejected:
      "🚫 The model refused this question. It cost nothing; please word it differently.",
    filtered: "🚫 The answer was withheld by the model's content filter. It cost nothing.",
    empty_answer: "😔 The model gave an empty answer. It cost nothing; please press Retry.",
    length_reached: "✂️ The answer reached its greatest length. Write “go on” for more.",
    insufficient_credit:
      "💳 Your credit ran out before this question's turn came. Top up with a recharge card: `/redeem CODE`",
    model_not_available:
      "😔 This model is not available right now. It cost nothing; choose another with /model.",
    waited_too_long: "😔 Your question waited too long. It cost nothing; please ask again.",
    internal: "😔 Something went wrong on our side. It cost nothing; please press Retry.",
  },
};
