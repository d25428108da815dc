import type { Clock } from "../clock.ts";
import { OutsideError } from "../errors.ts";
import type { ChatSender } from "./chat-adapter.ts";
import type { ChatAddress } from "./chat-address.ts";
import type { EditBudget } from "./edit-budget.ts";

/** Renewed when this share of its time is over, so that it never goes out in between. */
const RENEW_SHARE = 0.8;
/** When the budget had nothing left for it. */
const TRY_AGAIN_MS = 1_000;
/** When the platform does not say how long to leave the chat alone. */
const PAUSE_MS = 5_000;

/** Lets a person see that an answer is being written where it cannot be shown as it grows. */
export class TypingSignal {
  readonly #sender: ChatSender;
  readonly #chat: { readonly address: ChatAddress; readonly isDirect: boolean };
  readonly #budget: EditBudget;
  readonly #clock: Clock;
  readonly #onFailed: (error: unknown) => void;
  readonly #end = new AbortController();
  #run: Promise<void> | null = null;

  constructor(
    sender: ChatSender,
    chat: { readonly address: ChatAddress; readonly isDirect: boolean },
    budget: EditBudget,
    clock: Clock,
    onFailed: (error: unknown) => void,
  ) {
    this.#sender = sender;
    this.#chat = chat;
    this.#budget = budget;
    this.#clock = clock;
    this.#onFailed = onFailed;
  }

  /** Starts it once. A refusal that would come again ends it; all are told to `onFailed`. */
  start(): void {
    const { typingMs } = this.#sender.capabilities;
    if (typingMs !== null) this.#run ??= this.#repeat(typingMs * RENEW_SHARE);
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#run;
  }

  async #repeat(everyMs: number): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const mayCall = await this.#budget.turn(this.#chat, "typing", signal);
      if (mayCall && !(await this.#show())) return;
      await this.#clock.sleep(mayCall ? everyMs : TRY_AGAIN_MS, signal);
    }
  }

  /** `false` when there is no use in trying again. */
  async #show(): Promise<boolean> {
    try {
      await this.#sender.showTyping(this.#chat.address);
      return true;
    } catch (error) {
      this.#onFailed(error);
      if (!(error instanceof OutsideError)) return false;
      if (error.kind === "rate_limited") {
        this.#budget.pause(this.#chat.address, error.retryAfterMs ?? PAUSE_MS);
      }
      return error.retryable;
    }
  }
}
