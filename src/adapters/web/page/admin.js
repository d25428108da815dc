import { byId, create } from "./page-elements.js";
import { text } from "./texts.js";

/** Exchanges the key behind the # of the address for a session, and takes it out of the address. */
export async function openWithFragment(connection) {
  const key = decodeURIComponent(location.hash.slice(1));
  if (key === "") return;
  history.replaceState(null, "", location.pathname);
  const problem = await exchange(connection, key);
  if (problem !== null) byId("login-problem").textContent = problem;
}

/** Asks for the key until it is right. */
export function askForKey(connection, onOpen) {
  const form = byId("login");
  if (!form.hidden) return;
  form.hidden = false;
  document.body.classList.add("locked");
  byId("welcome").hidden = true;
  byId("key").focus();
  form.onsubmit = async (event) => {
    event.preventDefault();
    const problem = await exchange(connection, byId("key").value.trim());
    byId("login-problem").textContent = problem ?? "";
    if (problem !== null) return;
    byId("key").value = "";
    form.hidden = true;
    document.body.classList.remove("locked");
    onOpen();
  };
}

/** Commands to choose from: choosing one puts it into the box, to be completed there. */
export function showCommands(write) {
  const button = (command) => {
    const element = create("button", { type: "button", textContent: command });
    element.addEventListener("click", () => write(command));
    return create("li", {}, element);
  };
  byId("examples").replaceChildren(...text("adminExamples").map(button));
  byId("commands").replaceChildren(
    ...text("adminCommands").map(([title, commands]) =>
      create(
        "section",
        {},
        create("h2", { textContent: title }),
        create("ul", {}, ...commands.map(button)),
      ),
    ),
  );
}

async function exchange(connection, key) {
  const { status, body } = await connection.request("/session", { key });
  if (status === 200) return null;
  const problems = text("problems");
  return problems[body?.error?.code] ?? (status === 0 ? problems.offline : problems.other);
}
