import { byId, create, icon, iconButton, toast } from "./page-elements.js";
import { text } from "./texts.js";

const COUNT_MAX = 4;
/** Longest side of what is sent; upstreams look at no more. */
const SIDE_MAX = 1568;
const THUMBNAIL_SIDES = [360, 200, 100];
const THUMBNAIL_LENGTH_MAX = 60_000;
const TEXT_BYTES_MAX = 1024 * 1024;
const IMAGES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const TEXT_NAME =
  /\.(txt|md|markdown|csv|tsv|json|xml|ya?ml|toml|ini|log|html?|css|js|jsx|ts|tsx|py|rb|go|rs|java|kt|c|h|cpp|cs|php|sh|sql|swift|tex|srt)$/i;

/** The pictures and text files that go with the next message. */
export class Attachments {
  #items = [];
  #list = byId("attached");
  seesImages = true;
  onChange = () => {};

  constructor() {
    const input = byId("file");
    if (input === null) return;
    byId("attach").addEventListener("click", () => {
      input.accept =
        (this.seesImages ? `${IMAGES.join()},` : "") +
        "text/*,.md,.csv,.json,.yaml,.toml,.log,.py,.js,.ts,.sql";
      input.click();
    });
    input.addEventListener("change", async () => {
      await this.add([...input.files]);
      input.value = "";
    });
    const composer = byId("main");
    composer.addEventListener("dragover", (event) => event.preventDefault());
    composer.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.add([...event.dataTransfer.files]);
    });
    byId("input").addEventListener("paste", (event) => {
      if (event.clipboardData.files.length === 0) return;
      event.preventDefault();
      void this.add([...event.clipboardData.files]);
    });
  }

  get count() {
    return this.#items.length;
  }

  async add(files) {
    const problems = text("problems");
    for (const file of files) {
      if (this.#items.length >= COUNT_MAX) {
        toast(problems.attachmentCount);
        return;
      }
      const name = { name: file.name };
      if (IMAGES.includes(file.type) && !this.seesImages) toast(problems.image);
      else if (IMAGES.includes(file.type)) await this.#addItem(() => readImage(file), name);
      else if (!file.type.startsWith("text/") && !TEXT_NAME.test(file.name)) {
        toast(fill(problems.attachment, name));
      } else if (file.size > TEXT_BYTES_MAX) toast(fill(problems.attachmentSize, name));
      else await this.#addItem(() => readText(file), name);
    }
  }

  /** Gives what was gathered to the message that is sent. */
  take() {
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#show();
    return items;
  }

  async #addItem(read, name) {
    try {
      this.#items.push(await read());
    } catch {
      toast(fill(text("problems").attachment, name));
    }
    this.#show();
  }

  #show() {
    const rows = this.#items.map((item) => {
      const remove = iconButton("close", text("remove", item), () => {
        this.#items = this.#items.filter((other) => other !== item);
        this.#show();
        byId("input").focus();
      });
      const sight = item.thumbnail ? create("img", { src: item.thumbnail, alt: "" }) : icon("file");
      return create("li", {}, sight, create("span", { textContent: item.name }), remove);
    });
    this.#list.replaceChildren(...rows);
    this.#list.hidden = rows.length === 0;
    this.onChange();
  }
}

async function readText(file) {
  const isNamed = file.type.startsWith("text/") || file.type === "application/json";
  return {
    name: file.name,
    mediaType: isNamed ? file.type : "text/plain",
    base64: await toBase64(file),
  };
}

/** Large pictures are made smaller here: less to send, and upstreams would do it anyway. */
async function readImage(file) {
  const picture = await createImageBitmap(file);
  const isSmall = Math.max(picture.width, picture.height) <= SIDE_MAX && file.size < 1_500_000;
  const sent = isSmall ? file : await toJpeg(picture, SIDE_MAX);
  const name = file.name || "picture.png";
  return {
    name,
    mediaType: sent.type,
    base64: await toBase64(sent),
    thumbnail: toThumbnail(picture),
  };
}

function draw(picture, sideMax) {
  const scale = Math.min(1, sideMax / Math.max(picture.width, picture.height));
  const canvas = create("canvas", {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  });
  const context = canvas.getContext("2d");
  // JPEG knows no transparency: what is empty shall be white.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function toJpeg(picture, sideMax) {
  return new Promise((resolve, reject) => {
    const done = (blob) => (blob === null ? reject(new Error("not drawn")) : resolve(blob));
    draw(picture, sideMax).toBlob(done, "image/jpeg", 0.86);
  });
}

function toThumbnail(picture) {
  const addresses = THUMBNAIL_SIDES.map((side) =>
    draw(picture, side).toDataURL("image/jpeg", 0.72),
  );
  return addresses.find((address) => address.length <= THUMBNAIL_LENGTH_MAX) ?? null;
}

function toBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function fill(sentence, { name }) {
  return sentence.replace("{name}", name);
}
