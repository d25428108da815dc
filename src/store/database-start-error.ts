/**
 * The database cannot be used and a person has to do something about it. The message is one sentence
 * for that person: it names the cause and the way out, and never holds a password.
 */
export class DatabaseStartError extends Error {
  override readonly name = "DatabaseStartError";
}
