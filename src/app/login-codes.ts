import { renderTerminalQr } from "../adapters/wechat/ilink/ilink-qr.ts";
import type { Config } from "../config.ts";
import type { SendNotices } from "../core/admin/send-notices.ts";
import type { ChatAdapter } from "../core/chat/chat-adapter.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { textsFor } from "../core/texts/locales.ts";

export interface LoginCodesParts {
  readonly config: Pick<Config, "http" | "chat">;
  readonly notices: Pick<SendNotices, "toAdmins">;
  /** Where the banner goes. */
  readonly terminal: Pick<NodeJS.WriteStream, "write" | "isTTY">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Shows operators the codes that somebody has to scan: in the terminal, and in the admin chats. */
export class LoginCodes {
  readonly #parts: LoginCodesParts;
  /** Platforms over which somebody wrote since admins were last told. */
  readonly #heard = new Set<string>();

  constructor(parts: LoginCodesParts) {
    this.#parts = parts;
  }

  /** Somebody wrote over this platform, so a login of it worked. */
  heard(platform: string): void {
    this.#heard.add(platform);
  }

  /** Throws only when admins could not be told. */
  async tell(
    { platform, isWaitingForLogin = false }: Pick<ChatAdapter, "platform" | "isWaitingForLogin">,
    { page, code }: { readonly page: string; readonly code: string },
  ): Promise<void> {
    const { config, notices } = this.#parts;
    const { publicUrl, host, port } = config.http;
    const url = `${publicUrl ?? `http://${host}:${port}`}${page}`;
    const text = textsFor(config.chat.defaultLocale).loginCode(platform, url);
    await this.#print(text, code);
    await notices.toAdmins(
      `login:${platform}:${this.#occasion(platform, isWaitingForLogin)}`,
      text,
    );
  }

  /**
   * The page always shows the newest code, so once a day is enough; but that nobody is connected
   * any more is told each time.
   */
  #occasion(platform: string, isWaitingForLogin: boolean): string {
    const now = this.#parts.clock.now().toISOString();
    const wasLost = isWaitingForLogin && this.#heard.delete(platform);
    return wasLost ? now : now.slice(0, 10);
  }

  async #print(text: string, code: string): Promise<void> {
    const { terminal, log } = this.#parts;
    try {
      const qr = await renderTerminalQr(code, terminal.isTTY);
      terminal.write(`\n${text}\n\n${qr}\n`);
    } catch (error) {
      log.warn({ err: error }, "login code not shown in the terminal");
    }
  }
}
