import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { SecretKey } from "../store/secret-key.ts";
import type { Stores } from "./create-stores.ts";

/** What adapters are made of, beside the configuration. */
export interface ChatParts {
  readonly stores: Stores;
  readonly secretKey: SecretKey;
  readonly clock: Clock;
  readonly log: Logger;
}
