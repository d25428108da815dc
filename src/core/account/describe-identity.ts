import { escapeMarkdown } from "../texts/markdown.ts";
import type { Identity } from "./account.ts";

/** Names a chat of a person for that person, e.g. "telegram · Ann". Markdown. */
export function describeIdentity({ platform, displayName, username }: Identity): string {
  const name = displayName !== "" || username === null ? displayName : `@${username}`;
  return escapeMarkdown(name === "" ? platform : `${platform} · ${name}`);
}
