// Dashboard: reads what everyone can read of a running Weir, again and again, and shows it.

import { Log } from "./log.js";
import { History, Reading } from "./metrics.js";
import { Errors, Listeners, Overview, Routes, Upstreams, uptime } from "./panels.js";
import { Versions } from "./versions.js";
import { byId, setText, sign } from "./view.js";

const kShortest = 2_000;  // milliseconds between readings
const kLongest = 30_000;
const kHidden = 20_000;   // while nobody looks
const kPatience = 10_000; // then an answer counts as missing
const kConfigEvery = 15_000;

const history = new History();
const filter = byId("filter");
const panels = [new Overview(), new Upstreams(), new Routes(), new Listeners(), new Errors()];
let token = sessionStorage.getItem("weir-token");
let paused = false, timer, reading = false, last = null, state = "", generation, config = null, configAt = 0;
let endpoints = [];

// --- asking ------------------------------------------------------------------------------------

async function ask(path, options = {}) {
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(kPatience) });
  if (answer.status === 401) byId("token-form").hidden = false;
  return answer;
}

async function get(path) {
  const answer = await ask(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status === 401 ? "a token is wanted" : answer.status}`);
  return answer;
}

const log = new Log(ask);
const versions = new Versions(ask);

async function readConfig(now) {
  if (now === generation && Date.now() - configAt < kConfigEvery) return;
  config = await (await get("/config")).json();
  generation = now;
  configAt = Date.now();
  await versions.read();
}

async function read() {
  const [metrics, ends, ready] = await Promise.all([get("/metrics"), get("/endpoints"), ask("/readyz")]);
  const restarted = history.add(new Reading(await metrics.text(), performance.now()));
  endpoints = (await ends.json()).endpoints;
  const readiness = await ready.json();
  if (restarted) generation = undefined;
  await readConfig(history.now.get("weir_config_generation"));
  await log.read();
  byId("token-form").hidden = true;
  last = Date.now();
  return readiness;
}

// --- showing -----------------------------------------------------------------------------------

function show() {
  if (!history.now) return;
  const wanted = filter.value.trim().toLowerCase();
  const fits = name => name.toLowerCase().includes(wanted);
  for (const panel of panels) panel.show({ history, endpoints, config, filter: fits });
}

function tell(kind, word, notice) {
  if (state !== kind + word) {  // a status that does not change is not read out again
    byId("state").replaceChildren(sign(kind, word));
    document.title = kind === "good" ? "Weir" : `${word} - Weir`;
  }
  state = kind + word;
  byId("notice").hidden = notice === "";
  if (byId("notice").textContent !== notice) setText(byId("notice"), notice);
  document.body.classList.toggle("stale", kind === "unknown");
}

function showReadiness({ ready, reasons = [] }) {
  const words = reasons.map(each => (each.upstream ? `${each.code} (${each.upstream})` : each.code));
  const away = endpoints.filter(each => !each.available).length;
  const version = history.now.families.get("weir_build_info")?.[0]?.labels.version ?? "";
  setText(byId("version"), `${version} \u00b7 up ${uptime(history.now)}`);
  if (!ready) tell("bad", "Not ready", `Not ready: ${words.join(", ")}. Load balancers that ask /readyz send nobody here.`);
  else if (away > 0) tell("warn", `Ready, ${away} ${away === 1 ? "endpoint" : "endpoints"} away`, "");
  else tell("good", "Ready", "");
}

function showAge() {
  const age = last === null ? null : Math.round((Date.now() - last) / 1000);
  setText(byId("updated"), `${paused ? "paused, " : ""}${age === null ? "not read yet" : age < 3 ? "just read" : `read ${age} s ago`}`);
}

async function turn() {
  if (reading) return;
  reading = true;
  clearTimeout(timer);
  const began = performance.now();
  try {
    const readiness = await read();
    show();
    showReadiness(readiness);
  } catch (error) {
    const cause = error.name === "TypeError" ? "no connection" : error.name === "TimeoutError" ? "no answer" : error.message;
    tell("unknown", "Away", `Weir does not answer (${cause}). ${last === null ? "Nothing is known yet."
      : "What is shown was true when it last did."} Trying again.`);
  }
  reading = false;
  showAge();
  // Large answers take long; reading them takes a tenth of the time at most.
  const pause = Math.min(kLongest, Math.max(kShortest, 10 * (performance.now() - began)));
  if (!paused) timer = setTimeout(turn, document.hidden ? Math.max(kHidden, pause) : pause);
}

// --- hands -------------------------------------------------------------------------------------

function pause() {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  clearTimeout(timer);
  if (!paused) turn();
  showAge();
}

function go(number) {
  const links = [...document.querySelectorAll("nav a")].filter(each => !each.hidden);
  const section = links[number - 1] && document.querySelector(links[number - 1].hash);
  if (!section) return;
  section.scrollIntoView();
  section.focus({ preventScroll: true });
}

function press(event) {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && event.target === filter) {
    filter.value = "";
    show();
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const action = { "/": () => filter.focus(), "p": pause, "l": () => byId("log-text").focus(),
    "?": () => byId("help").showModal() }[event.key] ?? (/^[1-7]$/.test(event.key) ? () => go(Number(event.key)) : null);
  if (!action) return;
  event.preventDefault();
  action();
}

document.addEventListener("keydown", press);
document.addEventListener("visibilitychange", () => { if (!document.hidden && !paused) turn(); });
filter.addEventListener("input", show);
byId("pause").addEventListener("click", pause);
byId("help-open").addEventListener("click", () => byId("help").showModal());
byId("token-form").addEventListener("submit", event => {
  event.preventDefault();
  token = byId("token").value;
  sessionStorage.setItem("weir-token", token);
  byId("token").value = "";
  turn();
});
setInterval(showAge, 1000);
turn();
