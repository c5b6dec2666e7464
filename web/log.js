// Log: recent lines of the program's own log, chosen by the server.

import { Table, byId, el, setText, sign } from "./view.js";

const kKinds = { info: "good", warning: "warn", error: "bad" };
const kOwn = new Set(["time", "level", "code"]);

export class Log {
  constructor(ask) {
    this.ask = ask;
    this.table = new Table(byId("log-table"), "Recent lines of the log, the newest first",
      [{ name: "Time (UTC)", text: true }, { name: "Level", text: true }, { name: "Code", text: true },
        { name: "What", text: true }], "Nothing was logged yet.");
    byId("log-form").addEventListener("submit", event => event.preventDefault());
    for (const id of ["log-level", "log-text"]) byId(id).addEventListener("input", () => this.read().catch(() => {}));
  }

  async read() {
    const level = byId("log-level").value, text = byId("log-text").value;
    const turn = this.turn = (this.turn ?? 0) + 1;
    const answer = await this.ask(`/log?level=${level}&text=${encodeURIComponent(text)}&limit=200`);
    if (!answer.ok) throw new Error(`/log: ${answer.status}`);
    const { lines, last, forgotten } = await answer.json();
    if (turn !== this.turn) return;  // another question was asked meanwhile
    const chosen = level !== "info" || text !== "";
    const same = new Map();
    const rows = lines.map(line => {
      const base = JSON.stringify(line), nth = same.get(base) ?? 0;
      same.set(base, nth + 1);
      const what = Object.entries(line).filter(([key]) => !kOwn.has(key)).map(([key, value]) => `${key}=${value}`);
      const time = el("time", { datetime: line.time, title: line.time }, line.time.slice(11, 23));
      return { key: `${base} ${nth}`, kind: line.level === "info" ? "" : "away",
        cells: [time, sign(kKinds[line.level] ?? "unknown", line.level), line.code, what.join("  ")] };
    }).reverse();
    this.table.emptyText = chosen ? "No line that is kept fits." : "Nothing was logged yet.";
    this.table.show(rows, false, 200);
    setText(byId("log-count"), chosen ? `${lines.length} of ${last - forgotten} lines` : `${last - forgotten} lines kept`);
  }
}
