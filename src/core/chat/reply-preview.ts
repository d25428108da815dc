import type { Clock } from "../clock.ts";
import { OutsideError } from "../errors.ts";
import type { ChatCapabilities, EditCapability, MessageButton } from "./chat-adapter.ts";
import type { CallPriority } from "./edit-budget.ts";
import { type PreviewPart, previewParts } from "./preview-text.ts";
import type { ReplyMessages, ShownContent } from "./reply-messages.ts";

/** An answer that begins sooner needs no placeholder. */
const PLACEHOLDER_DELAY_MS = 700;
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** Refusals in a row after which only the final text is tried. */
const FAILURES_MAX = 5;

export interface PreviewOptions {
  readonly messages: ReplyMessages;
  readonly capabilities: ChatCapabilities;
  readonly isDirect: boolean;
  readonly clock: Clock;
  readonly placeholderText: string;
  /** Shown under the last message; `null` for none. */
  readonly stopButton: MessageButton | null;
  readonly onPreviewFailed: (error: unknown) => void;
}

interface Step {
  readonly position: number;
  readonly priority: CallPriority;
  readonly content: ShownContent;
  /** How much of the answer is shown once it is made. */
  readonly shownLength: number;
}

/**
 * Shows an unfinished answer by editing messages, as often as the platform allows and never more
 * than one call at a time; what is shown is always the newest text at that moment. Previews are
 * lossy: a failed one is not repeated, the next one carries newer text. Text that moves to a new
 * message is for a moment in both, and so is the stop button.
 *
 * A text shorter than what is already shown waits until it is longer: another worker has taken
 * over and writes the answer anew.
 */
export class ReplyPreview {
  readonly #options: PreviewOptions;
  readonly #spacingMs: number;
  /** Messages before this one were finished by an earlier process; finals settle them. */
  readonly #positionMin: number;
  readonly #end = new AbortController();
  #run: Promise<void> | null = null;
  #wake: () => void = () => {};
  #text = "";
  #shownLength = 0;
  #isPlaceholderDue = false;
  #hasJustSent = false;

  constructor(options: PreviewOptions, edit: EditCapability) {
    this.#options = options;
    const { pace } = options.capabilities;
    const [intervalMs, refillMs] = options.isDirect
      ? [edit.directIntervalMsMin, pace.direct.refillMs]
      : [edit.groupIntervalMsMin, pace.group.refillMs];
    // Not faster than the chat refills, so that a burst is left for when a further message begins.
    this.#spacingMs = Math.max(intervalMs, refillMs);
    this.#positionMin = Math.max(0, options.messages.count - 1);
  }

  /** Shows a placeholder unless text comes very soon. */
  startPlaceholder(): void {
    void this.#options.clock.sleep(PLACEHOLDER_DELAY_MS, this.#end.signal).then(() => {
      this.#isPlaceholderDue = true;
      this.#go();
    });
  }

  write(textSoFar: string): void {
    this.#text = textSoFar;
    this.#go();
  }

  /** Drops what waits; resolves once a call that is already on its way has ended. */
  async end(): Promise<void> {
    this.#end.abort();
    this.#wake();
    await this.#run;
  }

  #go(): void {
    if (this.#end.signal.aborted) return;
    this.#run ??= this.#showAll().catch(this.#options.onPreviewFailed);
    this.#wake();
  }

  async #showAll(): Promise<void> {
    const { messages, clock, onPreviewFailed } = this.#options;
    const { signal } = this.#end;
    for (let failures = 0; !signal.aborted; ) {
      const step = this.#nextStep();
      if (step === null) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      if (!(await messages.turn(step.position, step.priority, this.#spacingMs, signal))) continue;
      // Much may have been written since: the newest text wins.
      const newest = this.#nextStep();
      if (newest === null) continue;
      // Another message may have had its last edit a moment ago; a new one has had none.
      if (newest.position !== step.position && messages.has(newest.position)) continue;
      try {
        const isNew = !messages.has(newest.position);
        await messages.show(newest.position, newest.content);
        this.#hasJustSent = isNew;
        this.#shownLength = Math.max(this.#shownLength, newest.shownLength);
        failures = 0;
      } catch (error) {
        onPreviewFailed(error);
        failures += 1;
        if (!mayGoOn(error) || failures === FAILURES_MAX) return;
        if (error.kind !== "message_gone") await clock.sleep(backoffMs(failures), signal);
      }
    }
  }

  /** The next call to make; `null` when everything is shown. */
  #nextStep(): Step | null {
    const { messages, capabilities, placeholderText } = this.#options;
    if (this.#text.trim() === "") {
      const isWanted = this.#isPlaceholderDue && messages.count === 0;
      return isWanted ? this.#step(0, { text: placeholderText, end: 0 }, 1) : null;
    }
    if (this.#text.length < this.#shownLength) return null;
    const parts = previewParts(this.#text, {
      lengthMax: capabilities.textLengthMax,
      bytesMax: capabilities.textBytesMax,
    });
    if (parts.length < messages.count) return null;
    const sendsMax = capabilities.sendsPerMessageMax ?? Number.POSITIVE_INFINITY;
    const steps = parts
      .slice(0, sendsMax)
      .map((part, position) => this.#step(position, part, parts.length));
    const wanted = steps.filter(
      ({ position, content }) =>
        position >= this.#positionMin && !messages.shows(position, content),
    );
    const [next] = wanted;
    if (next === undefined) return null;
    const following = steps[next.position + 1];
    const shownText = messages.contentAt(next.position)?.text ?? "";
    if (following === undefined || shownText.length <= next.content.text.length) return next;
    // A paragraph that moves to a new message is sent there first, so that it never disappears,
    // and leaves the old one when there is no newer text to show before.
    if (!messages.has(following.position)) return following;
    const newer = wanted.at(-1);
    return this.#hasJustSent && newer !== undefined && newer !== next
      ? newer
      : { ...next, priority: "placeholder" };
  }

  #step(position: number, part: PreviewPart, count: number): Step {
    const { messages, capabilities, stopButton } = this.#options;
    const hasStop = position === count - 1 && stopButton !== null && capabilities.buttons;
    return {
      position,
      priority: messages.has(position) ? "preview" : "placeholder",
      content: {
        text: part.text,
        format: "plain",
        buttons: hasStop ? [stopButton] : [],
        isDraft: true,
      },
      shownLength: part.end,
    };
  }
}

/** After a 429 only the final goes out: what was refused once would soon be refused again. */
function mayGoOn(error: unknown): error is OutsideError {
  const isOver = ["chat_gone", "unauthorized", "rate_limited"];
  return error instanceof OutsideError && !isOver.includes(error.kind);
}

function backoffMs(failures: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** (failures - 1));
}
