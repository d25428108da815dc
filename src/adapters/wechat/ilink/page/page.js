const ASK_MS = 2_000;
const RETRY_MS = 4_000;

const card = document.getElementById("card");
const qr = document.getElementById("qr");
const title = document.getElementById("title");
const text = document.getElementById("text");
const digits = document.getElementById("digits");
const number = document.getElementById("number");
const again = document.getElementById("again");

function show(view) {
  const isNew = card.dataset.state !== view.state;
  card.dataset.state = view.state;
  if (title.textContent !== view.title) title.textContent = view.title;
  if (text.textContent !== view.text) text.textContent = view.text;
  if (view.qr !== null) {
    qr.setAttribute("viewBox", `0 0 ${view.qr.size} ${view.qr.size}`);
    qr.firstElementChild.setAttribute("d", view.qr.path);
  }
  card.dataset.wrong = String(view.areDigitsWrong);
  if (isNew && view.state === "digits_needed") {
    number.value = "";
    number.focus();
  }
}

async function ask(path, body) {
  const request =
    body === undefined
      ? {}
      : {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        };
  const response = await fetch(`/wechat/${path}`, request);
  // The cookie is gone: only the page itself gives a new one.
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error(String(response.status));
  show(await response.json());
}

async function act(path, body) {
  try {
    await ask(path, body);
  } catch {
    text.textContent = card.dataset.offline;
  }
}

async function keepAsking() {
  let waitMs = ASK_MS;
  if (!document.hidden && card.dataset.state !== "connected") {
    try {
      await ask("state");
    } catch {
      text.textContent = card.dataset.offline;
      waitMs = RETRY_MS;
    }
  }
  setTimeout(keepAsking, waitMs);
}

digits.addEventListener("submit", (event) => {
  event.preventDefault();
  act("digits", { digits: number.value.trim() });
});
again.addEventListener("click", () => act("again", {}));
setTimeout(keepAsking, ASK_MS);
