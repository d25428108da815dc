import { findPackageJSON } from "node:module";

/** Whether a package can be imported here, without loading it. */
export function isInstalled(name: string): boolean {
  try {
    return findPackageJSON(name, import.meta.url) !== undefined;
  } catch {
    return false;
  }
}
