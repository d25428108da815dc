/** wechaty as a whole, and the files it sends. */
export interface WechatLibrary {
  readonly WechatyBuilder: typeof import("wechaty").WechatyBuilder;
  readonly FileBox: typeof import("file-box").FileBox;
  readonly types: typeof import("wechaty").types;
}

let loading: Promise<WechatLibrary> | null = null;

/**
 * Loads wechaty when it is first needed: it takes about a second and 90 MB, which a program
 * without WeChat does not pay.
 */
export function loadWechatLibrary(): Promise<WechatLibrary> {
  loading ??= load();
  return loading;
}

async function load(): Promise<WechatLibrary> {
  const [{ WechatyBuilder, types, log }, { FileBox }] = await Promise.all([
    import("wechaty"),
    import("file-box"),
  ]);
  // Its own log has tokens and texts of people in it; what matters reaches us as events.
  log.level("silent");
  return { WechatyBuilder, FileBox, types };
}
