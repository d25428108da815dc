/** Tencent's domain: it decides there which host serves whom. */
const TENCENT_DOMAIN = "weixin.qq.com";
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Whether we may send to an address that an answer of iLink named: that of `base`, one of Tencent's
 * domain over https, or this machine when `base` is this machine as well.
 */
export function isTrustedAddress(address: string, base: string): boolean {
  const url = URL.parse(address);
  const home = URL.parse(base);
  if (url === null || home === null || url.username !== "" || url.password !== "") return false;
  if (url.origin === home.origin) return true;
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  if (isWeb && LOOPBACK.test(url.hostname) && LOOPBACK.test(home.hostname)) return true;
  return url.protocol === "https:" && url.port === "" && isTencent(url.hostname);
}

function isTencent(hostname: string): boolean {
  return hostname === TENCENT_DOMAIN || hostname.endsWith(`.${TENCENT_DOMAIN}`);
}
