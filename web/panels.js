// Panels: what the sections of the page show, out of readings, endpoints and the configuration.

import { quantile } from "./metrics.js";
import { Table, Tile, ago, byId, bytes, count, el, rate, seconds, setText, share, sign, span,
  unknown } from "./view.js";

const kAdminRoute = "(admin)";
const kClasses = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

const text = (name) => ({ name, text: true });
const number = (name) => ({ name });

// --- overview ----------------------------------------------------------------------------------

export class Overview {
  constructor() {
    const list = byId("tiles");
    for (const [key, name] of [["requests", "Requests"], ["median", "Median latency"],
      ["slow", "99th percentile"], ["failed", "Failed (5xx, none)"], ["open", "Connections"],
      ["sent", "Sent to clients"]]) this[key] = new Tile(list, name);
  }

  show({ history }) {
    const now = history.now;
    const rates = this.rates(history);
    const times = [...history.buckets("weir_request_duration_seconds", "route", each => each !== kAdminRoute)];
    const draw = (key, value, write, note) => this[key].show(write(value), note, history.line(key, value));
    draw("requests", rates.all, rate, `${rate(rates.clientErrors)} with 4xx`);
    draw("median", quantile(0.5, times), seconds, `90th: ${seconds(quantile(0.9, times))}`);
    draw("slow", quantile(0.99, times), seconds, `99.9th: ${seconds(quantile(0.999, times))}`);
    draw("failed", rates.all > 0 ? rates.failed / rates.all : rates.failed, share, rate(rates.failed));
    const open = total(now, "weir_connections_open", "listener", each => each !== "admin");
    const tunnels = total(now, "weir_tunnels_open", "listener", () => true);
    draw("open", open, count, `${count(tunnels)} tunnels`);
    draw("sent", rates.sent, v => `${bytes(v)}${v === undefined ? "" : "/s"}`,
         `received: ${bytes(rates.received)}${rates.received === undefined ? "" : "/s"}`);
    setText(byId("process"), this.process(history));
  }

  rates(history) {
    if (history.readings.length < 2) return {};
    const sum = (name, keep) => {
      let grown = 0;
      const before = history.readings[0].by(name, "route", "status");
      for (const [group, value] of history.now.by(name, "route", "status")) {
        const [route, status] = group.split("\0");
        if (route !== kAdminRoute && keep(status)) grown += Math.max(0, value - (before.get(group) ?? 0));
      }
      return grown / history.seconds;
    };
    return {
      all: sum("weir_requests_total", () => true),
      clientErrors: sum("weir_requests_total", status => status === "4xx"),
      failed: sum("weir_requests_total", status => status === "5xx" || status === "none"),
      sent: sum("weir_sent_bytes_total", () => true),
      received: sum("weir_received_bytes_total", () => true),
    };
  }

  process(history) {
    const { now, readings } = history;
    const cpu = readings.length < 2 ? undefined
      : (now.get("process_cpu_seconds_total") - readings[0].get("process_cpu_seconds_total"))
        / history.seconds;
    const lag = Math.max(...(now.families.get("weir_worker_loop_lag_seconds") ?? []).map(each => each.value));
    const parts = [`${count(now.get("weir_workers"))} workers`,
      `${share(cpu)} of a processor`, `${bytes(now.get("process_resident_memory_bytes"))} of memory`,
      `${count(now.get("process_open_fds"))} descriptors`,
      `longest turn of a worker ${seconds(Number.isFinite(lag) ? lag : undefined)}`,
      `configuration ${count(now.get("weir_config_generation"))}`];
    const overloaded = (now.families.get("weir_overloaded") ?? []).filter(each => each.value === 1);
    for (const each of overloaded) parts.unshift(`overloaded: ${each.labels.cause}`);
    if (now.get("weir_config_last_reload_ok") === 0) parts.unshift("the last reload was refused: see the log");
    return parts.join(" \u00b7 ");
  }
}

function total(reading, name, label, keep) {
  if (!reading.families.has(name)) return undefined;
  let sum = 0;
  for (const [value, number] of reading.by(name, label)) if (keep(value)) sum += number;
  return sum;
}

// --- upstreams ---------------------------------------------------------------------------------

const kBreaker = ["closed", "half open", "open"];
const kMostUpstreams = 50;

const kOfEndpoint = ["upstream", "endpoint"];

// Attempts a second that ended without a response.
function failed({ upstream, endpoint }, history) {
  const of = [kOfEndpoint, [upstream, endpoint]];
  const reached = history.growth("weir_endpoint_failures_total", ...of);
  const connecting = history.growth("weir_endpoint_connect_failures_total", ...of);
  return reached === undefined ? undefined : (reached + connecting) / history.seconds;
}

// Why it is away or about to be, in words: all reasons.
function why(endpoint, history) {
  const { upstream, endpoint: name, health } = endpoint;
  const connecting = history.growth("weir_endpoint_connect_failures_total", kOfEndpoint, [upstream, name]);
  const reasons = endpoint.available && connecting > 0 ? ["connections to it fail"] : [];
  if (endpoint.available && health?.failures_in_a_row > 0) reasons.push(`check: ${health.last_failure}`);
  return reasons.concat(awayReasons(endpoint)).join("; ");
}

function awayReasons(endpoint) {
  return endpoint.away.map(each => {
    const parts = [each.reason];
    if (each.detail) parts.push(each.detail);
    if (each.since) parts.push(ago(each.since));
    if (each.until) parts.push(`until ${each.until.slice(11, 19)} UTC`);
    return parts.join(", ");
  });
}

function lastCheck({ health }) {
  if (!health) return "not checked";
  if (!health.last) return "not checked yet";
  return `${health.last.result === "pass" ? "passed" : "failed"} ${ago(health.last.at)}`;
}

class Upstream {
  constructor(name, open) {
    this.title = el("span", { class: "label" }, name);
    this.state = el("span");
    this.facts = el("span", { class: "quiet" });
    this.box = el("details", { class: "upstream" },
                  el("summary", {}, this.title, this.state, this.facts));
    this.box.open = open;
    this.table = new Table(this.box, `Endpoints of ${name}`,
      [text("Endpoint"), text("State"), text("Why"), number("Attempts"), number("Under way"),
        number("Failed"), text("Last check")],
      "It has no endpoints yet: requests get 503.");
  }

  show(name, endpoints, config, history, times, filtered) {
    const now = history.now;
    const well = endpoints.filter(each => each.available).length;
    const failing = endpoints.filter(each => each.available && failed(each, history) > 0).length;
    const kind = well === 0 ? "bad" : well < endpoints.length || failing > 0 ? "warn" : "good";
    const word = endpoints.length === 0 ? "no endpoints"
      : `${well} of ${endpoints.length} available${failing > 0 ? `, ${failing} failing` : ""}`;
    if (this.word !== kind + word) this.state.replaceChildren(sign(kind, word));
    this.word = kind + word;
    const facts = [rate(history.rate("weir_endpoint_requests_total", ["upstream"], [name]))];
    const got = times.get(name) ?? [];
    facts.push(`median ${seconds(quantile(0.5, got))}`, `99th ${seconds(quantile(0.99, got))}`);
    if (config) facts.push(config.balance?.algorithm?.replaceAll("_", " ") ?? "");
    const breaker = now.get("weir_breaker_state", name);
    if (breaker > 0) facts.push(`breaker ${kBreaker[breaker]}`);
    if (now.get("weir_upstream_panic", name) === 1) facts.push("panic: all are taken to be available");
    const waiting = now.get("weir_upstream_queue_waiting", name);
    if (waiting > 0) facts.push(`${waiting} wait`);
    const retries = history.rate("weir_upstream_retries_total", ["upstream"], [name]);
    if (retries > 0) facts.push(`${rate(retries)} retries`);
    setText(this.facts, facts.filter(Boolean).join(" \u00b7 "));
    const order = each => (each.available ? (failed(each, history) > 0 ? 1 : 2) : 0);
    const rows = [...endpoints].sort((a, b) => order(a) - order(b));
    this.table.show(rows.map(each => () => this.row(each, history)), filtered);
  }

  row(each, history) {
    const values = [each.upstream, each.endpoint];
    const fails = failed(each, history);
    const state = !each.available ? sign("bad", "away")
      : fails > 0 ? sign("warn", "failing") : sign("good", "available");
    return { key: each.endpoint, kind: each.available ? "" : "away", cells: [
      each.endpoint, state, why(each, history) || unknown,
      rate(history.rate("weir_endpoint_requests_total", kOfEndpoint, values)), count(each.in_flight),
      rate(fails), lastCheck(each)] };
  }
}

export class Upstreams {
  constructor() {
    this.place = byId("upstream-list");
    this.empty = el("p", { class: "empty" });
    this.more = el("p", { class: "quiet" });
    this.place.append(this.empty, this.more);
    this.shown = new Map();
  }

  show({ history, endpoints, config, filter }) {
    const names = new Map(Object.keys(config?.upstreams ?? {}).map(name => [name, []]));
    for (const each of endpoints) {
      if (!names.has(each.upstream)) names.set(each.upstream, []);
      names.get(each.upstream).push(each);
    }
    const found = [...names].flatMap(([name, all]) => {
      const some = filter(name) ? all : all.filter(each => filter(each.endpoint));
      return filter(name) || some.length > 0 ? [[name, some]] : [];
    });
    this.empty.hidden = found.length > 0;
    setText(this.empty, names.size > 0 ? "Nothing here has such a name."
      : "The configuration has no upstreams: Weir answers everything itself.");
    setText(this.more, `${found.length - kMostUpstreams} more; filter by name to see them.`);
    this.more.hidden = found.length <= kMostUpstreams;
    this.place.append(this.more);
    this.update(found.slice(0, kMostUpstreams), history, config);
  }

  update(found, history, config) {
    const wanted = new Set(found.map(([name]) => name));
    for (const [name, upstream] of this.shown) {
      if (wanted.has(name)) continue;
      upstream.box.remove();
      this.shown.delete(name);
    }
    const times = history.bucketsBy("weir_upstream_response_seconds", "upstream");
    for (const [name, endpoints] of found) {
      let upstream = this.shown.get(name);
      if (!upstream) {
        upstream = new Upstream(name, found.length <= 8 || endpoints.some(each => !each.available));
        this.shown.set(name, upstream);
        this.place.insertBefore(upstream.box, this.more);
      }
      upstream.show(name, endpoints, config?.upstreams?.[name], history, times, false);
    }
  }
}

// --- routes ------------------------------------------------------------------------------------

// What answers, from the configuration of a route.
function answers(route) {
  const to = route?.reverse_proxy;
  if (to) return to.upstream || (to.split ?? []).map(each => each.upstream).filter(Boolean).join(", ") || "split";
  for (const each of ["static_files", "respond", "redirect", "fastcgi"]) {
    if (route?.[each] !== undefined) return each.replace("_", " ");
  }
  return unknown;
}

export class Routes {
  constructor() {
    this.table = new Table(byId("route-table"), "Routes, the last ten seconds",
      [text("Route"), text("Answers"), number("Requests"), number("2xx"), number("3xx"), number("4xx"),
        number("5xx"), number("None"), number("Median"), number("99th"), number("Sent")],
      "No request has come yet, and no route has a name. Send one and it shows here.");
  }

  show({ history, config, filter }) {
    const configured = [...(config?.routes ?? []), ...(config?.listeners ?? []).flatMap(each => each.routes ?? [])];
    const named = new Map(configured.filter(each => each.name).map(each => [each.name, each]));
    const seen = history.now.by("weir_requests_total", "route");
    const names = [...new Set([...named.keys(), ...seen.keys()])].filter(name => name !== kAdminRoute);
    const times = history.bucketsBy("weir_request_duration_seconds", "route");
    const upstreams = new Map();
    for (const { labels } of history.now.families.get("weir_requests_total") ?? []) {
      if (labels.upstream) upstreams.set(labels.route, labels.upstream);
    }
    const rows = names.filter(name => filter(name || "no route")).map(name => () => {
      const status = kClasses.slice(1).map(each => history.rate("weir_requests_total", ["route", "status"], [name, each]));
      const sent = history.rate("weir_sent_bytes_total", ["route"], [name]);
      return { key: name, kind: status[3] > 0 ? "failing" : "", cells: [
        name || "(no route)", named.has(name) ? answers(named.get(name)) : upstreams.get(name) ?? unknown,
        rate(history.rate("weir_requests_total", ["route"], [name])), ...status.map(rate),
        seconds(quantile(0.5, times.get(name) ?? [])), seconds(quantile(0.99, times.get(name) ?? [])),
        sent === undefined ? unknown : `${bytes(sent)}/s`] };
    });
    this.table.show(rows, names.length > 0);
  }
}

// --- listeners ---------------------------------------------------------------------------------

export class Listeners {
  constructor() {
    this.table = new Table(byId("listener-table"), "Listeners and the connections of their clients",
      [text("Listener"), text("Address"), text("Speaks"), number("Open"), number("Idle"), number("Tunnels"),
        number("New"), number("Requests"), number("Refused"), number("Failed handshakes")],
      "No listener is open.");
  }

  show({ history, config, filter }) {
    const known = new Map();
    for (const [kind, list] of [["http", config?.listeners], ["tcp", config?.tcp], ["udp", config?.udp]]) {
      for (const each of Array.isArray(list) ? list : []) {
        const tls = each.tls && each.tls !== "off";
        known.set(each.name || each.address, { address: each.address, speaks: tls ? `${kind} over TLS` : kind });
      }
    }
    if (config?.admin?.address) known.set("admin", { address: config.admin.address, speaks: "this page" });
    const names = [...history.now.by("weir_connections_open", "listener").keys()];
    const now = (name, listener) => history.now.get(name, listener);
    const per = (name, listener, ...more) => history.rate(name, ["listener", ...more.slice(0, more.length / 2)],
      [listener, ...more.slice(more.length / 2)]);
    const rows = names.filter(name => filter(name) || filter(known.get(name)?.address ?? "")).map(name => ({
      key: name, cells: [name, known.get(name)?.address ?? unknown,
        known.get(name)?.speaks ?? unknown,
        count(now("weir_connections_open", name)), count(now("weir_connections_idle", name)),
        count(now("weir_tunnels_open", name)), rate(per("weir_connections_total", name)),
        rate(per("weir_listener_requests_total", name)), rate(per("weir_connections_refused_total", name)),
        history.now.by("weir_tls_handshakes_total", "listener").has(name)
          ? rate(per("weir_tls_handshakes_total", name, "result", "failed")) : unknown] }));
    this.table.show(rows, names.length > 0);
  }
}

// --- errors ------------------------------------------------------------------------------------

export class Errors {
  constructor() {
    this.table = new Table(byId("error-table"), "Requests that ended with an error",
      [text("Reason"), text("Caused by"), number("Now"), number("Since the start")],
      "No request has ended with an error since the start.");
  }

  show({ history, filter }) {
    const labels = ["reason", "origin"];
    const all = [...history.now.by("weir_errors_total", ...labels)].filter(([, value]) => value > 0);
    const rows = all.filter(([group]) => filter(group)).map(([group, value]) => {
      const [reason, origin] = group.split("\0");
      const grown = history.rate("weir_errors_total", labels, [reason, origin]);
      return { key: group, order: [grown ?? 0, value], kind: grown > 0 ? "failing" : "",
        cells: [reason, origin, rate(grown), count(value)] };
    });
    rows.sort((a, b) => b.order[0] - a.order[0] || b.order[1] - a.order[1]);
    this.table.show(rows, all.length > 0);
  }
}

export const uptime = reading => span(Date.now() / 1000 - reading.get("process_start_time_seconds"));
