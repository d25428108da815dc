import type { AuditLog } from "../admin/audit-log.ts";
import { UserError } from "../errors.ts";
import { formatTime } from "../texts/format.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { UpstreamPool } from "../upstream/upstream-pool.ts";
import type { UpstreamReport } from "../upstream/upstream-report.ts";
import type { Command } from "./command.ts";
import { USAGE } from "./command-names.ts";
import { words } from "./parse-command.ts";

/** The state of the keys, checks on demand, and a switch for each. */
export function upstreamsCommand(pool: UpstreamPool, audit: AuditLog): Command {
  return {
    name: "upstreams",
    isForAdmins: true,
    async run({ texts, actor, cause }, args) {
      const [verb, name, ...more] = words(args);
      if (more.length > 0) throw usage();
      if (verb === undefined) {
        return { text: texts.upstreams((await pool.describe()).map(describeUpstream)) };
      }
      if (verb === "check") {
        const checks = await pool.check(name);
        const rows = checks.map(({ name: checked, verdict, balance }) =>
          [
            `${verdict.ok ? "✅" : "❌"} **${escapeMarkdown(checked)}**`,
            ...(verdict.ok ? [] : [escapeMarkdown(verdict.problem)]),
            ...(balance === null ? [] : [escapeMarkdown(balance)]),
          ].join(" · "),
        );
        return { text: texts.upstreams(rows) };
      }
      if ((verb !== "enable" && verb !== "disable") || name === undefined) throw usage();
      const isEnabled = verb === "enable";
      await (isEnabled ? pool.enable(name) : pool.disable(name));
      await audit.write({
        cause: `upstreams:${cause}`,
        actor,
        action: `upstreams ${verb}`,
        target: name,
        reason: "",
        before: !isEnabled,
        after: isEnabled,
      });
      return { text: texts.upstreamChanged(escapeMarkdown(name), isEnabled) };
    },
  };
}

function describeUpstream(report: UpstreamReport): string {
  const { use, limits, successes, errors, firstWordMs, morePeople, lastOkAt, balance } = report;
  const of = (used: number, limit: number | null) =>
    limit === null ? `${used}` : `${used}/${limit}`;
  return [
    `${describeCondition(report)} **${escapeMarkdown(report.name)}**`,
    report.models.map(escapeMarkdown).join(", "),
    `${of(use.inFlight, limits.concurrent)} now`,
    `${of(use.requests, limits.requestsPerMinute)} req/min`,
    `${of(use.tokens, limits.tokensPerMinute)} tok/min`,
    `${successes} ok, ${errors} failed`,
    ...(firstWordMs === null ? [] : [`${(firstWordMs / 1000).toFixed(1)} s`]),
    ...(morePeople === null ? [] : [`≈ ${morePeople} more people`]),
    ...(balance === null ? [] : [escapeMarkdown(balance)]),
    ...(lastOkAt === null ? [] : [formatTime(lastOkAt)]),
    ...(report.modelsOff.length === 0
      ? []
      : [`off: ${report.modelsOff.map(escapeMarkdown).join(", ")}`]),
  ].join(" · ");
}

function describeCondition({ condition }: UpstreamReport): string {
  switch (condition.kind) {
    case "ready":
      return "✅";
    case "probing":
      return "🔎 probing";
    case "cooling":
    case "circuit_open":
      return `🧊 ${condition.kind === "cooling" ? "cooling" : "circuit open"} until ${formatTime(condition.until)}`;
    case "dead":
      return `💀 ${escapeMarkdown(condition.reason)}`;
    case "disabled":
      return "⏸ disabled";
  }
}

function usage(): UserError {
  return new UserError("usage", { usage: USAGE.upstreams });
}
