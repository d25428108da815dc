// Runs the local Telegram as a process of its own:
//   PORT=8081 TELEGRAM_BOT_TOKEN=1:abc node test/fakes/telegram-server.main.ts
// Prints one line of JSON with its address and token; SIGTERM ends it.
import { TelegramServer } from "./telegram-server.ts";

const { PORT, TELEGRAM_BOT_TOKEN, TELEGRAM_BOT_USERNAME } = process.env;

const server = await TelegramServer.start({
  port: Number(PORT ?? 0),
  ...(TELEGRAM_BOT_TOKEN !== undefined && { token: TELEGRAM_BOT_TOKEN }),
  ...(TELEGRAM_BOT_USERNAME !== undefined && { username: TELEGRAM_BOT_USERNAME }),
});
console.log(JSON.stringify({ url: server.url, token: server.token }));

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void server.stop());
}
