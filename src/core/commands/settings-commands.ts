import type { AccountStore } from "../account/account-store.ts";
import { formatCredit } from "../billing/amount.ts";
import { micros } from "../billing/micros.ts";
import { type RoleList, roleTitle } from "../conversation/role.ts";
import { UserError } from "../errors.ts";
import { LOCALES, matchLocale, textsFor } from "../texts/locales.ts";
import { escapeMarkdown } from "../texts/markdown.ts";
import type { Texts } from "../texts/texts.ts";
import type { Model, ModelCatalog } from "../upstream/model-catalog.ts";
import type { Command } from "./command.ts";

export function modelCommand(
  accounts: AccountStore,
  models: ModelCatalog,
  currency: string,
): Command {
  return {
    name: "model",
    isForAdmins: false,
    async run({ texts, person }, args) {
      const { account } = person;
      if (args === "") {
        const chosen = models.choose(account.model).name;
        const lines = models.list().map((model) => ({
          name: model.name,
          price: describePrice(model, texts, currency),
          isChosen: model.name === chosen,
        }));
        return { text: texts.models(lines) };
      }
      const model = models.find(args);
      if (model === null) throw new UserError("unknown_model", { name: quoteArgument(args) });
      await accounts.changeSettings(account.id, { model: model.name });
      return { text: texts.modelChosen(model.name, describePrice(model, texts, currency)) };
    },
  };
}

export function roleCommand(accounts: AccountStore, roles: RoleList): Command {
  return {
    name: "role",
    isForAdmins: false,
    async run({ texts, person, locale }, args) {
      const { account } = person;
      if (args === "") {
        const chosen = roles.choose(account.role).name;
        const lines = roles.list().map((role) => ({
          name: role.name,
          title: escapeMarkdown(roleTitle(role, locale)),
          isChosen: role.name === chosen,
        }));
        return { text: texts.roles(lines) };
      }
      const role = roles.find(args);
      if (role === null) throw new UserError("unknown_role", { name: quoteArgument(args) });
      await accounts.changeSettings(account.id, { role: role.name });
      return { text: texts.roleChosen(escapeMarkdown(roleTitle(role, locale))) };
    },
  };
}

export function langCommand(accounts: AccountStore): Command {
  return {
    name: "lang",
    isForAdmins: false,
    async run({ texts, person, locale }, args) {
      if (args === "") {
        const lines = LOCALES.map((code) => ({
          code,
          name: textsFor(code).languageName,
          isChosen: code === locale,
        }));
        return { text: texts.languages(lines) };
      }
      const chosen = matchLocale(args);
      if (chosen === null) throw new UserError("unknown_locale", { name: quoteArgument(args) });
      await accounts.changeSettings(person.account.id, { locale: chosen });
      const chosenTexts = textsFor(chosen);
      return { text: chosenTexts.languageChosen(chosenTexts.languageName) };
    },
  };
}

export function describePrice(model: Model, texts: Texts, currency: string): string {
  const { input, output, messageCost } = model.price;
  return texts.modelPrice({
    input: formatCredit(micros(input)),
    output: formatCredit(micros(output)),
    messages: messageCost === null ? null : Number(messageCost),
    currency,
  });
}

/** What a person typed, short and harmless enough to be repeated to them. */
export function quoteArgument(text: string): string {
  return escapeMarkdown(text.slice(0, 60));
}
