import type { IlinkLogin } from "./ilink-login.ts";
import type { PageState, PageTexts } from "./ilink-page-texts.ts";
import { drawQr, type QrShape } from "./ilink-qr.ts";

/** What the page shows. It holds no token and no id of a person. */
export interface PageView {
  readonly state: PageState;
  readonly title: string;
  readonly text: string;
  readonly qr: QrShape | null;
  readonly areDigitsWrong: boolean;
}

/** `null`: there is no room for the login of this visitor. */
export async function readView(login: IlinkLogin | null, texts: PageTexts): Promise<PageView> {
  const state = login?.state ?? "busy";
  const [title, text] = texts.states[state];
  const code = login?.code ?? null;
  return {
    state,
    title,
    text,
    qr: code === null ? null : await drawQr(code),
    areDigitsWrong: login?.areDigitsWrong ?? false,
  };
}

/** Puts texts and view in the places of `html` that stand in braces. */
export function renderPage(html: string, texts: PageTexts, view: PageView): string {
  const { states: _, title: heading, ...labels } = texts;
  const values = new Map<string, string>([
    ...Object.entries({ ...labels, heading }),
    ["state", view.state],
    ["title", view.title],
    ["text", view.text],
    ["areDigitsWrong", String(view.areDigitsWrong)],
    ["size", String(view.qr?.size ?? 1)],
    ["path", view.qr?.path ?? ""],
  ]);
  return html
    .replace('<html lang="en">', `<html lang="${texts.lang}">`)
    .replace(/\{(\w+)\}/g, (whole, name: string) => escapeHtml(values.get(name) ?? whole));
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
