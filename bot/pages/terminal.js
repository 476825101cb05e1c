// The page of the voice terminal: one big button to talk, one red button for help, and everything that is said in
// large type. It works by touch alone when nothing can be heard. Words: terminal.strings.json. Messages: voice/events.py.
import { Link } from "./link.js";
import { Loudspeaker, Microphone } from "./terminal.sound.js";

const SIZES = [24, 27, 30, 34, 40];
const KEPT = 60; // messages shown
const address = new URL(location.href);
const language = address.searchParams.get("lang") === "en" ? "en" : "zh";
const device = address.searchParams.get("device") || "terminal";
const strings = (await (await fetch(new URL("terminal.strings.json", import.meta.url))).json())[language];
const $ = (id) => document.getElementById(id);
const t = (key, values = {}) => (strings[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const newId = () => `${Date.now().toString(36)}-${Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16).padStart(2, "0")).join("")}`;

const state = { connection: "connecting", hearing: "loading", reason: null, listening: false, sos: null, taken: false, alarm: null, own: new Set(), shown: new Set() };

// ── words and type size ──────────────────────────────────────────────────────────────────────────────────────────
function label() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  const words = { "sos-text": "sos", "sos-hint": "sos_hint", language: "other_language", "caption-label": "hearing_you", "alarm-talk": "talk", "alarm-mistake": "sos_mistake", "alarm-close": "sos_close", latest: "new_below" };
  for (const [id, key] of Object.entries(words)) $(id).textContent = t(key);
  $("smaller").ariaLabel = t("type_smaller");
  $("bigger").ariaLabel = t("type_bigger");
  $("log").ariaLabel = t("said_log");
  $("quick").ariaLabel = t("quick_label");
  const other = new URL(location.href);
  other.searchParams.set("lang", language === "zh" ? "en" : "zh");
  $("language").href = other;
  for (const key of ["quick_help", "quick_repair", "quick_meal", "quick_fine", "quick_person"]) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: t(key) });
    button.onclick = () => say(t(key));
    $("quick").append(button);
  }
}

function typeSize(size, keep) {
  const chosen = SIZES.reduce((best, each) => (Math.abs(each - size) < Math.abs(best - size) ? each : best));
  document.documentElement.style.setProperty("--type", `${chosen}px`);
  $("smaller").disabled = chosen === SIZES[0];
  $("bigger").disabled = chosen === SIZES.at(-1);
  state.size = chosen;
  toEnd();
  if (keep) localStorage.setItem("anlin.terminal.size", chosen);
}

// ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────
function draw() {
  const deaf = state.hearing === "unavailable" || ["denied", "missing"].includes(microphone.state);
  const offline = state.connection !== "online";
  const mode = offline ? "wait" : deaf ? "touch" : state.hearing === "loading" ? "wait" : state.listening ? "on" : "ready";
  document.body.dataset.mode = mode;
  document.body.dataset.connection = state.connection;
  const [word, hint] = { wait: ["talk_wait", ""], touch: ["talk_touch", "talk_touch_hint"], on: ["talk_on", "talk_on_hint"], ready: ["talk", "talk_hint"] }[mode];
  $("talk-word").textContent = t(word);
  $("talk-hint").textContent = hint && t(hint);
  $("talk").ariaPressed = String(mode === "on");
  $("talk").ariaDisabled = String(mode === "wait");
  const why = offline ? state.connection : state.hearing === "unavailable" ? `unavailable.${state.reason}` : state.hearing === "loading" ? "hearing.loading" : `microphone.${microphone.state}`;
  put("status-text", t(why));
  drawAlarm();
}

function put(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text; // unchanged words are not announced again
}

function notice(text) {
  put("notice", text);
  $("notice").hidden = !text;
}

function show(message) {
  if (state.shown.has(message.id)) return;
  state.shown.add(message.id);
  const item = document.createElement("li");
  item.className = `message ${message.speaker}${message.emergency ? " emergency" : ""}`;
  item.dataset.id = message.id;
  const who = message.speaker === "staff" ? (message.name ? t("staff_named", message) : t("staff")) : t(message.speaker === "resident" ? "you" : "bot");
  item.append(Object.assign(document.createElement("span"), { className: "who", textContent: who }), Object.assign(document.createElement("p"), { textContent: message.text }));
  for (const old of $("log").querySelectorAll(".choices")) old.remove(); // only the last question can be answered
  if (message.buttons?.length) item.append(choices(message.buttons));
  const follow = atEnd() || message.speaker === "resident";
  $("log").append(item);
  while ($("log").children.length > KEPT) $("log").firstElementChild.remove();
  if (follow) toEnd();
  else $("latest").hidden = false;
  if (message.emergency && message.speaker !== "resident") put("alarm-said", message.text);
}

function choices(buttons) {
  const row = Object.assign(document.createElement("div"), { className: "choices" });
  for (const { title, payload } of buttons) {
    if (payload.startsWith("tel:")) {
      row.append(Object.assign(document.createElement("a"), { className: "dial", href: payload, textContent: title }));
      continue;
    }
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: title });
    button.onclick = () => tell({ type: "press", id: newId(), title, payload }, title);
    row.append(button);
  }
  return row;
}

const atEnd = () => $("log").scrollHeight - $("log").scrollTop - $("log").clientHeight < 80;
function toEnd() {
  const last = $("log").lastElementChild;
  if (last) $("log").scrollTop = Math.min($("log").scrollHeight, last.offsetTop + last.offsetHeight);
  $("latest").hidden = true;
}

// ── what the person does ─────────────────────────────────────────────────────────────────────────────────────────
function tell(event, text) {
  loudspeaker.yieldFloor();
  link.keep(event);
  state.own.add(event.id);
  show({ id: event.id, speaker: "resident", text });
  notice(link.welcome ? "" : t("unsent"));
}

const say = (text) => tell({ type: "say", id: newId(), text }, text);

async function talk() {
  if (document.body.dataset.mode === "wait") return;
  if (state.hearing !== "ready" || !(await microphone.open())) {
    $("quick").querySelector("button").focus();
    return;
  }
  state.listening = !state.listening;
  if (state.listening) loudspeaker.yieldFloor();
  link.send({ type: "listen", on: state.listening });
  notice("");
  draw();
}

function sos() {
  if (!state.sos) {
    state.sos = newId();
    state.taken = false;
    state.alarm = null;
    put("alarm-said", "");
    link.keep({ type: "sos", id: state.sos });
  }
  openAlarm();
}

function takeBack() {
  if (state.sos) link.keep({ type: "sos_taken_back", id: newId(), sos: state.sos });
  else say(t("sos_mistake"));
  $("alarm-mistake").disabled = true;
}

function openAlarm() {
  $("alarm").hidden = false;
  $("alarm-mistake").disabled = false;
  document.querySelectorAll("header, main, nav").forEach((part) => (part.inert = true));
  $("alarm-talk").focus();
  draw();
}

function closeAlarm() {
  $("alarm").hidden = true;
  document.querySelectorAll("header, main, nav").forEach((part) => (part.inert = false));
  if (["resolved", "taken_back"].includes(state.alarm?.state)) state.sos = state.alarm = null;
  $("talk").focus();
}

function drawAlarm() {
  const at = state.alarm?.state;
  put("alarm-head", at ? t(at === "taken_back" || at === "resolved" ? "sos_close" : "sos_sent") : t(state.taken ? "sos_sent" : "sos_sending"));
  put("alarm-text", at ? t(`sos_${at}`, { who: state.alarm.who || t("someone") }) : state.connection === "online" ? "" : t("sos_unsent"));
  $("alarm").dataset.state = at ?? "sending";
  $("alarm-talk").hidden = ["touch", "wait"].includes(document.body.dataset.mode);
  $("alarm-talk").textContent = t(state.listening ? "talk_on" : "talk");
  $("alarm-mistake").hidden = ["resolved", "taken_back"].includes(at);
  $("alarm-close").hidden = !at || at === "raised";
}

// ── what the service says ────────────────────────────────────────────────────────────────────────────────────────
const on = {
  welcome(event) {
    Object.assign(state, { hearing: event.hearing, reason: event.reason, listening: false });
    if (event.type_size && !localStorage.getItem("anlin.terminal.size")) typeSize(event.type_size);
    if (!$("log").children.length) show({ id: "greeting", speaker: "bot", text: event.name ? t("greeting_named", event) : t("greeting") });
    link.send({ type: "microphone_changed", state: microphone.state });
  },
  message(event) {
    if (!state.own.has(event.id)) show(event);
    if (event.speaker !== "resident") notice("");
  },
  caption(event) {
    put("caption-text", event.text);
    $("caption").hidden = !event.text;
  },
  stop_audio: (event) => loudspeaker.stop(event.ids),
  listening(event) {
    state.listening = event.on && microphone.state === "on";
    if (event.on && microphone.state !== "on") microphone.open().then((open) => { state.listening = open; draw(); });
    if (!event.on) on.caption({ text: "" });
    if (event.reason === "nothing") notice(t("unheard"));
  },
  hearing_changed: (event) => Object.assign(state, { hearing: event.hearing, reason: event.reason }),
  alarm(event) {
    state.alarm = event;
    if (event.state === "raised") openAlarm();
  },
  taken(event) {
    if (event.id === state.sos) state.taken = true;
    if (!link.unsent.length) notice("");
  },
  fault: (event) => notice(t(`fault.${event.code}`) || t("fault")),
};

const loudspeaker = new Loudspeaker((id, whole) => link.send({ type: "audio_ended", id, whole }));
const microphone = new Microphone(
  (frame) => link.sound(frame),
  (changed) => { link.send({ type: "microphone_changed", state: changed }); draw(); },
);
const link = new Link(device, () => ({ language, microphone: microphone.state }), {
  message(event) { on[event.type]?.(event); draw(); },
  sound: (audio, bytes) => loudspeaker.play(audio, bytes),
  state(connection) {
    state.connection = connection;
    if (connection === "offline") { state.listening = false; on.caption({ text: "" }); }
    draw();
  },
});

label();
typeSize(Number(localStorage.getItem("anlin.terminal.size")) || SIZES[0]);
$("talk").onclick = $("alarm-talk").onclick = talk;
$("sos").onclick = sos;
$("alarm-mistake").onclick = takeBack;
$("alarm-close").onclick = closeAlarm;
$("latest").onclick = toEnd;
$("smaller").onclick = () => typeSize(SIZES[SIZES.indexOf(state.size) - 1] ?? SIZES[0], true);
$("bigger").onclick = () => typeSize(SIZES[SIZES.indexOf(state.size) + 1] ?? SIZES.at(-1), true);
let following = true;
$("log").addEventListener("scroll", () => { following = atEnd(); if (following) $("latest").hidden = true; });
new ResizeObserver(() => following && toEnd()).observe($("log")); // the caption, or larger type, takes room
// A terminal that was allowed the microphone before listens for cries for help from the start (V5).
navigator.permissions?.query({ name: "microphone" }).then((allowed) => allowed.state === "granted" && microphone.open(), () => {});
draw();
