// https://core.telegram.org/bots/api#messageentity and the checks of Telegram's own client
// library: a link must have one of these schemes and a host with a dot, or the whole message is
// refused with "entity URL … is invalid".
const WEB = new Set(["http:", "https:"]);
const HOST = /^[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)+$/u;
const TELEGRAM_LINK = /^tg:\/\/[a-z]+(\?[\w=&%.-]*)?$/i;
/** Links a person can open although Telegram does not make them a link under other words. */
const SHOWN = /^(https?|mailto|tel|ftp|ssh|git):/i;

/** Whether Telegram takes the address as the target of a text. */
export function isLinkable(href: string): boolean {
  if (TELEGRAM_LINK.test(href)) return true;
  const url = URL.parse(href);
  if (url === null || !WEB.has(url.protocol) || /\s/.test(href)) return false;
  const isPlainUser = url.username === "" && url.password === "";
  return isPlainUser && HOST.test(url.hostname) && url.hostname.length <= 253;
}

/** The address to write beside the text when it cannot be a link; `null` for nothing useful. */
export function linkAddress(href: string): string | null {
  return SHOWN.test(href) ? href.replace(/^(mailto|tel):/i, "") : null;
}
