/** A system prompt a person can choose, such as "translator". */
export interface Role {
  readonly name: string;
  /** By locale; "en" when the person's is missing, else the name. */
  readonly title: Readonly<Record<string, string>>;
  readonly prompt: string;
}

export const DEFAULT_ROLE: Role = {
  name: "assistant",
  title: { en: "Assistant", zh: "助手" },
  prompt:
    "You are a helpful assistant in a chat app. Answer in the language of the question, to the " +
    "point, and use Markdown only where it helps.",
};

/** The roles on offer. The first one is the default. */
export class RoleList {
  readonly #roles: readonly Role[];

  constructor(roles: readonly Role[]) {
    this.#roles = roles.some((role) => role.name === DEFAULT_ROLE.name)
      ? roles
      : [DEFAULT_ROLE, ...roles];
  }

  list(): readonly Role[] {
    return this.#roles;
  }

  choose(name: string | null): Role {
    return this.#roles.find((role) => role.name === name) ?? this.#roles[0] ?? DEFAULT_ROLE;
  }

  /** By name or title in any language, whatever the case. */
  find(text: string): Role | null {
    const wanted = text.trim().toLowerCase();
    const names = (role: Role) => [role.name, ...Object.values(role.title)];
    return (
      this.#roles.find((role) => names(role).some((name) => name.toLowerCase() === wanted)) ?? null
    );
  }
}

export function roleTitle(role: Role, locale: string): string {
  return role.title[locale] ?? role.title.en ?? role.name;
}
