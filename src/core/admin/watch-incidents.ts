import type { ChatSettings } from "../chat-settings.ts";
import type { Clock } from "../clock.ts";
import { textsFor } from "../texts/locales.ts";
import type { SettingStore } from "./runtime-settings.ts";
import type { SendNotices } from "./send-notices.ts";
import type { StatsStore } from "./stats-store.ts";

const WINDOW_MINUTES = 5;
const MINUTE_MS = 60_000;
/** Fewer failures may be bad luck. */
const FAILED_MIN = 5;
/** An incident begins when so many of the last answers fail, and is over when so few do. */
const BEGINS_SHARE = 0.5;
const OVER_SHARE = 0.1;
const SETTING = "incident";

/** What the watch needs of others. */
export interface WatchIncidentsParts {
  readonly stats: Pick<StatsStore, "countOutcomes">;
  readonly runtime: Pick<SettingStore, "read" | "write">;
  readonly notices: Pick<SendNotices, "toAdmins">;
  readonly settings: Pick<ChatSettings, "defaultLocale">;
  readonly clock: Clock;
}

/**
 * Tells admins when most answers fail, whatever the reason, and when that is over. People are told
 * by their own answers; an operator may be asleep while every key still looks alive.
 */
export class WatchIncidents {
  readonly #parts: WatchIncidentsParts;

  constructor(parts: WatchIncidentsParts) {
    this.#parts = parts;
  }

  /** May run in several processes at once: those of one minute speak of one incident. */
  async sweep(): Promise<void> {
    const { stats, runtime, notices, settings, clock } = this.#parts;
    const nowMs = clock.now().getTime();
    const { answered, failed } = await stats.countOutcomes(
      new Date(nowMs - WINDOW_MINUTES * MINUTE_MS),
    );
    const ended = answered + failed;
    const begunAtMs = readBegin(await runtime.read(SETTING));
    const texts = textsFor(settings.defaultLocale);
    if (begunAtMs === null) {
      if (failed < FAILED_MIN || failed < ended * BEGINS_SHARE) return;
      const startMs = nowMs - (nowMs % MINUTE_MS);
      const text = texts.incidentBegan({ failed, ended, minutes: WINDOW_MINUTES });
      await notices.toAdmins(`incident:${startMs}`, text);
      await runtime.write(SETTING, { begunAtMs: startMs });
    } else if (answered > 0 && failed <= ended * OVER_SHARE) {
      const minutes = Math.max(1, Math.round((nowMs - begunAtMs) / MINUTE_MS));
      await notices.toAdmins(`incident-over:${begunAtMs}`, texts.incidentOver(minutes));
      await runtime.write(SETTING, { begunAtMs: null });
    }
  }
}

function readBegin(value: unknown): number | null {
  if (typeof value !== "object" || value === null || !("begunAtMs" in value)) return null;
  return typeof value.begunAtMs === "number" ? value.begunAtMs : null;
}
