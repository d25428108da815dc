import { isInstalled } from "./installed-package.ts";
import { SoleBotSource } from "./sole-bot-source.ts";

const PACKAGE = "wechaty-puppet-mock";
const MISSING = `WeChat: ${PACKAGE} is not installed; it is for development only`;

/** wechaty's puppet without a WeChat behind it, for development: nobody ever writes. */
export class MockBotSource extends SoleBotSource {
  constructor() {
    super({ name: "mock", personId: null, createPuppet }, isInstalled(PACKAGE) ? null : MISSING);
  }
}

async function createPuppet() {
  const { PuppetMock } = await import("wechaty-puppet-mock");
  const puppet = new PuppetMock();
  puppet.once("start", () => puppet.mocker.login(puppet.mocker.createContact({ name: "Dianka" })));
  return puppet;
}
