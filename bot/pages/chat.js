// The chat page. What is said comes over the socket in the order in which it was committed; nothing is kept here but the
// sender's name, the cursor and what could not be sent yet.
import { Link } from "/pages/link.js";

const query = new URLSearchParams(location.search);
const language = query.get("lang") === "en" ? "en" : "zh";
const words = (await (await fetch("/pages/chat.strings.json")).json())[language];
const $ = (id) => document.getElementById(id);
const TYPE = { least: 18, most: 32, step: 2 };

const sender = query.get("as") ?? remembered();
document.documentElement.lang = language === "en" ? "en" : "zh-CN";
document.title = words.title;
for (const [id, text] of [["title", words.title], ["words-label", words.placeholder], ["send", words.send], ["sos", words.sos],
  ["sos-question", words.sos_confirm], ["sos-yes", words.sos_yes], ["sos-no", words.sos_no], ["language", words.language]]) {
  $(id).textContent = text;
}
$("words").placeholder = words.placeholder;
$("log").setAttribute("aria-label", words.log);
$("choices").setAttribute("aria-label", words.choices);
$("smaller").setAttribute("aria-label", "A−");
$("bigger").setAttribute("aria-label", "A＋");
const other = new URLSearchParams(query);
other.set("lang", language === "en" ? "zh" : "en");
$("language").href = `?${other}`;
setType(Number(localStorage.getItem("anlin.chat.type")) || 20);

const shown = new Map(); // message id → its line
greet();

const link = new Link(sender, () => ({ language, microphone: "off" }), { message, sound() {}, state }, { path: "/chat/ws", query: "sender", resumes: false });
for (const event of link.unsent) line(event.id, "resident", event.title ?? event.text, "unsent");

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("words").value.trim();
  if (!text) return;
  $("words").value = "";
  grow();
  say({ type: "say", id: crypto.randomUUID(), text });
});
$("words").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("form").requestSubmit();
  }
});
$("words").addEventListener("input", grow);
$("smaller").addEventListener("click", () => setType(type() - TYPE.step));
$("bigger").addEventListener("click", () => setType(type() + TYPE.step));
$("sos").addEventListener("click", () => $("sos-dialog").showModal());
$("sos-no").addEventListener("click", () => $("sos-dialog").close());
$("sos-yes").addEventListener("click", () => {
  $("sos-dialog").close();
  const id = crypto.randomUUID();
  line(id, "resident", words.sos, "unsent");
  link.keep({ type: "sos", id });
});

function say(event) {
  line(event.id, "resident", event.title ?? event.text, "unsent");
  choices([]);
  link.keep(event);
}

function message(event) {
  if (event.type === "message") {
    line(event.id, event.speaker, event.text, event.emergency ? "emergency" : "");
    choices(event.speaker === "resident" ? [] : event.buttons ?? []); // only the last question can be answered
  } else if (event.type === "taken") {
    shown.get(event.id)?.classList.remove("unsent");
    shown.get(event.id)?.querySelector(".waiting")?.remove();
  }
}

function line(id, speaker, text, mark) {
  let item = shown.get(id);
  if (!item) {
    item = document.createElement("li");
    shown.set(id, item);
    $("log").append(item);
  }
  item.className = `${speaker} ${mark}`.trim();
  item.textContent = "";
  const who = document.createElement("small");
  who.textContent = words[speaker === "resident" ? "you" : speaker];
  item.append(who, text);
  if (mark === "unsent") {
    const waiting = document.createElement("small");
    waiting.className = "waiting";
    waiting.textContent = words.waiting;
    item.append(waiting);
  }
  toEnd();
}

function choices(buttons) {
  $("choices").replaceChildren(...buttons.map(({ title, payload }) => {
    if (payload.startsWith("tel:")) return Object.assign(document.createElement("a"), { className: "dial", href: payload, textContent: title });
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    button.addEventListener("click", () => {
      say({ type: "press", id: crypto.randomUUID(), title, payload });
      $("words").focus();
    });
    return button;
  }));
  toEnd();
}

function toEnd() {
  $("log").scrollTop = $("log").scrollHeight;
}

function greet() {
  line("welcome", "bot", words.welcome, "");
  choices(words.quick.map(([title, payload]) => ({ title, payload })));
}

function state(connection) {
  document.body.dataset.connection = connection;
  $("status").textContent = words[connection];
}

function remembered() {
  let name = localStorage.getItem("anlin.chat.sender");
  if (!name) {
    name = `web-${crypto.randomUUID()}`;
    localStorage.setItem("anlin.chat.sender", name);
  }
  return name;
}

function type() {
  return parseInt(getComputedStyle(document.documentElement).getPropertyValue("--type"), 10);
}

function setType(size) {
  const clamped = Math.min(TYPE.most, Math.max(TYPE.least, size));
  document.documentElement.style.setProperty("--type", `${clamped}px`);
  localStorage.setItem("anlin.chat.type", String(clamped));
}

function grow() {
  $("words").style.height = "auto";
  $("words").style.height = `${$("words").scrollHeight + 4}px`;
}
