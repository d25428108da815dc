// Loaded before the program (`node --import`): its wall clock goes wrong by as many milliseconds as the
// file CHAOS_CLOCK says at that moment. Timers go on as they do when somebody sets a machine's clock.
import { readFileSync, watchFile } from "node:fs";

const file = process.env.CHAOS_CLOCK;
const RealDate = Date;
let shiftMs = 0;

function read() {
  const given = Number(readFileSync(file, "utf8"));
  if (Number.isFinite(given)) shiftMs = given;
}

class ShiftedDate extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + shiftMs);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
}

if (file !== undefined) {
  read();
  globalThis.Date = ShiftedDate;
  watchFile(file, { interval: 50, persistent: false }, read);
}
