import type { AdapterMemory } from "../../core/chat/adapter-memory.ts";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";

const MEMORY_KEY = "customer-service-refused-at";
/** Rights come and go with the yearly verification of an account: then it is tried again. */
const RETRY_MS = 24 * 60 * 60_000;

export interface ServiceRightOptions {
  /** What the operator says about the account. */
  readonly hasCustomerService: boolean;
  readonly memory: AdapterMemory;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whether the account may write to people by itself, as far as we know. */
export class ServiceRight {
  readonly #options: ServiceRightOptions;
  #refusedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ServiceRightOptions) {
    this.#options = options;
  }

  /** Remembers what an earlier process found out. */
  async load(): Promise<void> {
    const refusedAt = await this.#options.memory.read(MEMORY_KEY);
    if (refusedAt !== null) this.#refusedAtMs = Date.parse(refusedAt);
  }

  get isThere(): boolean {
    const { hasCustomerService, clock } = this.#options;
    return hasCustomerService && clock.now().getTime() - this.#refusedAtMs >= RETRY_MS;
  }

  /** WeChat said that there is no such right. */
  async lose(): Promise<void> {
    if (!this.isThere) return;
    const { memory, clock, log } = this.#options;
    const now = clock.now();
    this.#refusedAtMs = now.getTime();
    log.warn({}, "account may not send customer-service messages, answers are passive from now on");
    await memory.write(MEMORY_KEY, now.toISOString());
  }
}
