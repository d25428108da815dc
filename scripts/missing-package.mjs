import { readFileSync } from "node:fs";

/**
 * Compares what package-lock.json asks for with what npm noted that it installed, and gives the path
 * of the first package that is missing or has another version; `null` when all is there.
 */
export function findMissingPackage(lockFile, installedFile, withDevelopers) {
  const wanted = readPackages(lockFile);
  const installed = readPackages(installedFile);
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || (!withDevelopers && (entry.dev || entry.devOptional))) continue;
    const found = installed[path];
    if (found === undefined ? isNeeded(entry) : found.version !== entry.version) return path;
  }
  return null;
}

/** An optional package is needed when it was made for exactly this machine. */
function isNeeded(entry) {
  if (!entry.optional && !entry.devOptional) return true;
  // Which C library this is would take long to find out; those packages are only of use to developers.
  if (entry.os === undefined || entry.cpu === undefined || entry.libc !== undefined) return false;
  return entry.os.includes(process.platform) && entry.cpu.includes(process.arch);
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}
