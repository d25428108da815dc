import type { Puppet } from "wechaty-puppet";
import type { Logger } from "../../core/log.ts";
import type { SeatHandlers } from "./bot-source.ts";
import { isInstalled } from "./installed-package.ts";
import { SoleBotSource } from "./sole-bot-source.ts";

/** A package of wechaty's kind, with or without a scope. */
const PUPPET_NAME = /^(@[\w.-]+\/)?wechaty-puppet-[\w.-]+$/;

export interface UnofficialOptions {
  /** The package, which has to be installed: "wechaty-puppet-wechat4u". */
  readonly puppet: string;
  /** Absolute path, without ending, of the file that keeps the login. It is as good as a password. */
  readonly sessionFile: string;
  /** Without it nothing is started: WeChat may close the account for good. */
  readonly acceptsAccountRisk: boolean;
  readonly log: Logger;
}

/**
 * A personal account through a client that WeChat does not allow. Somebody has to have said that
 * the account may be lost.
 */
export class UnofficialBotSource extends SoleBotSource {
  readonly #options: UnofficialOptions;

  constructor(options: UnofficialOptions) {
    const { puppet, sessionFile } = options;
    const createPuppet = () => create(puppet);
    super({ name: puppet, personId: null, sessionFile, createPuppet }, faultOf(options));
    this.#options = options;
  }

  override async start(handlers: SeatHandlers): Promise<void> {
    const { puppet, log } = this.#options;
    if (this.problem === null) {
      log.warn(
        { puppet },
        "this client breaks WeChat's rules: the account can be limited or closed for good, with all money in it",
      );
    }
    await super.start(handlers);
  }
}

function faultOf({ puppet, acceptsAccountRisk }: UnofficialOptions): string | null {
  if (!PUPPET_NAME.test(puppet)) return "WeChat: this is not the name of a wechaty puppet";
  if (!acceptsAccountRisk) {
    return "WeChat: this client can cost the account, and nobody has accepted that";
  }
  return isInstalled(puppet) ? null : `WeChat: ${puppet} is not installed`;
}

async function create(name: string): Promise<Puppet> {
  const loaded: { readonly default?: unknown } = await import(name);
  // Packages of the old kind arrive with their exports inside "default".
  const inner = loaded.default;
  const candidate =
    typeof inner === "object" && inner !== null && "default" in inner ? inner.default : inner;
  if (typeof candidate !== "function") throw new Error(`${name} has no puppet`);
  return new (candidate as new () => Puppet)();
}
