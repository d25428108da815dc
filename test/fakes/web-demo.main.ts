import { startWebDemo } from "./web-demo.ts";

// Shows the web chat with a scripted core: node test/fakes/web-demo.main.ts [port]
const demo = await startWebDemo(Number(process.argv[2] ?? 3000));
console.log(`${demo.url}\n${demo.url}/admin-chat#${demo.adminKey}`);
process.once("SIGINT", () => void demo.stop());
