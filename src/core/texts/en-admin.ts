import type { AdminTexts, BatchTerms } from "./admin-texts.ts";

const until = (date: string | null) => (date === null ? "no end date" : `until ${date}`);

const terms = ({ perAccountMax, models }: BatchTerms) =>
  `${perAccountMax === null ? "" : ` · at most ${perAccountMax} a person`}${
    models === null ? "" : ` · only for ${models.join(", ")}`
  }`;

export const enAdmin: AdminTexts = {
  adminCommands: {
    grant: "Give credit or messages to a person",
    stats: "People, answers, revenue, cost",
    cards: "Make and manage recharge cards",
    user: "All about one person",
    ban: "Block a person",
    unban: "Lift a block",
    undo: "Take back what is left of a grant",
    upstreams: "State of the LLM keys",
    price: "Change a model's price",
    broadcast: "Write to everyone",
    drain: "Take no new questions, for an update",
  },
  adminHelp: (commands) => `**Admin commands**\n${commands}`,
  granted: ({ user, amount, validUntil, entry }) =>
    `✅ ${user} got **${amount}**, ${until(validUntil)}. Entry ${entry}; \`/undo ${entry}\` takes it back.`,
  grantReceived: ({ amount, reason, validUntil }) =>
    `🎁 You received **${amount}** (${until(validUntil)}): ${reason}`,
  batchCreated: ({ name, count, amount, days, redeemUntil, sha256, ...limits }) =>
    `✅ Batch **${name}**: ${count} cards of ${amount}, valid ${days} days from redeeming${
      redeemUntil === null ? "" : `, to be redeemed until ${redeemUntil}`
    }${terms(limits)}.\nThe codes are in the file and are not kept: this is the only copy. SHA-256 \`${sha256.slice(0, 16)}…\``,
  batchFileCaption: "One code a line. This is the only copy.",
  batchCutOff: (name) =>
    `⚠️ The service was interrupted while it made batch ${name}. If its file has not reached you, nobody has its codes: \`/cards void ${name}\`, then make one with another name.`,
  batchLost: (name) =>
    `⚠️ The file of batch **${name}** could not be delivered, so the batch is void: none of its codes works. Make it again under another name.`,
  batches: (lines) =>
    [
      "**Card batches**",
      ...lines.map(
        (line) =>
          `- **${line.name}** · ${line.state} · ${line.amount}, ${line.days} days · ${line.active} open, ${line.redeemed} redeemed, ${line.void} void${
            line.redeemUntil === null ? "" : ` · redeem until ${line.redeemUntil}`
          }${terms(line)}`,
      ),
    ].join("\n"),
  batchesEmpty: "No batches yet. Make one: `/cards new BATCH COUNT AMOUNT[m] DAYS`",
  batchChanged: (name, state, cards) =>
    state === "void"
      ? `✅ Batch **${name}** is void: ${cards} unredeemed cards can no longer be used.`
      : `✅ Batch **${name}** is ${state}.`,
  user: (details) =>
    [
      `**Account ${details.account}**${details.banReason === null ? "" : ` · 🚫 blocked: ${details.banReason}`}`,
      `Known as: ${details.identities.join(", ")}`,
      `Since ${details.since}`,
      `Balance: ${details.credit} · ${details.messages} (held: ${details.held})`,
      `30 days: ${details.month.requests} answers, ${details.month.cost}`,
      ...(details.entries.length === 0
        ? []
        : ["Last entries:", ...details.entries.map((entry) => `- ${entry}`)]),
    ].join("\n"),
  banned: (user, reason) => `🚫 ${user} is blocked: ${reason}`,
  unbanned: (user) => `✅ ${user} is no longer blocked.`,
  undone: ({ entry, user, amount }) =>
    `✅ Entry ${entry} undone: ${amount} taken back from ${user}.`,
  stats: (s) =>
    [
      `**Statistics, ${s.period}**`,
      `People: ${s.people} (${s.newPeople} new)`,
      `Answers: ${s.answers} of ${s.requests} questions · ${s.stopped} stopped · ${s.failures} failed · ${s.freeAnswers} free`,
      `Tokens: ${s.inputTokens} in, ${s.outputTokens} out`,
      `Revenue: ${s.revenue} · ${s.messages}`,
      `Upstream cost: ${s.upstreamCost} · margin: ${s.margin}`,
      `Taken back: ${s.refunds} · cards redeemed: ${s.cardsRedeemed}`,
      `First word: ${s.firstWord} · whole answer: ${s.answerTime}`,
    ].join("\n"),
  statsRows: (title, rows) =>
    rows.length === 0
      ? `**${title}**: nothing yet.`
      : [`**${title}**`, ...rows.map((row) => `- ${row}`)].join("\n"),
  upstreams: (rows) => ["**Upstreams**", ...rows.map((row) => `- ${row}`)].join("\n"),
  upstreamChanged: (name, isEnabled) =>
    isEnabled ? `✅ ${name} is in use.` : `⏸ ${name} is switched off.`,
  priceChanged: ({ model, before, after }) =>
    `✅ ${model}: ${before} → ${after}. It counts from the next question on.`,
  broadcastQueued: (count) => `📣 On its way to ${count} ${count === 1 ? "person" : "people"}.`,
  drained: (isOn, running) =>
    isOn
      ? `⏸ No new questions are taken. ${running} answers are still running.`
      : "▶️ New questions are taken again.",
  drainNews: ({ actor, isOn, running }) =>
    isOn
      ? `⏸ ${actor} stopped new questions (/drain on). ${running} answers are still running.`
      : `▶️ ${actor} lets new questions in again (/drain off).`,
  keyDead: (name, reason) => `🔑 Upstream ${name} is out of use: ${reason}. /upstreams shows all.`,
  loginCode: (platform, page) =>
    `📱 ${platform} is not connected: open ${page} and scan the code with the phone.`,
  guessStorm: (count) => `🚨 ${count} wrong card codes in ten minutes: somebody may be guessing.`,
  lowStock: ({ batch, left, count }) =>
    `📉 Batch **${batch}** runs low: ${left} of ${count} cards are left. Make more: \`/cards new\``,
  incidentBegan: ({ failed, ended, minutes }) =>
    `🚨 ${failed} of the last ${ended} answers failed, in ${minutes} minutes. /upstreams shows the keys; /drain on stops new questions.`,
  incidentOver: (minutes) =>
    `✅ Answers go on, after ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`,
  linkStorm: (count) =>
    `🚨 ${count} wrong codes for /link in ten minutes: somebody may be guessing. No code is looked at until that is over.`,
};
