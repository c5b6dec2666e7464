// Versions of the configuration: shown only where Weir keeps them (/ names /versions). What a version
// changed, and going back to it.

import { Table, ago, byId, el, setText } from "./view.js";

const write = value => (value === undefined ? "" : JSON.stringify(value, null, 2));

export class Versions {
  constructor(ask) {
    this.ask = ask;
    this.table = new Table(byId("version-table"), "Versions, the newest first",
      [{ name: "Version" }, { name: "When", text: true }, { name: "By", text: true }, { name: "Do", text: true }],
      "No version is kept.");
    this.detail = byId("version-detail");
  }

  async read() {
    const { links } = await this.json("/");
    const there = "/versions" in links;
    byId("versions").hidden = byId("versions-link").hidden = !there;
    if (!there) return;
    const { versions } = await this.json("/versions");
    const oldest = versions[0]?.version;
    this.table.show(versions.toReversed().map(each => ({ key: String(each.version), cells: [
      String(each.version) + (each.in_force ? " (in force)" : ""), ago(each.at),
      each.of ? `${each.origin} to ${each.of}` : each.origin, this.buttons(each, oldest)] })));
  }

  buttons({ version, in_force }, oldest) {
    const box = el("span", { class: "line", "data-same": `${version} ${in_force} ${version === oldest}` });
    const add = (name, action) => {
      const button = el("button", { type: "button", "aria-label": `${name} of version ${version}` }, name);
      button.addEventListener("click", () => action().catch(error => this.tell(String(error.message))));
      box.append(button);
    };
    if (version !== oldest) add("Changes", () => this.diff(version));
    if (!in_force) add("Roll back", () => this.propose(version));
    return box;
  }

  async json(path, options) {
    const answer = await this.ask(path, options);
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    const problems = (body.problems ?? []).map(each => `${each.path ?? ""} ${each.message ?? ""}`.trim());
    throw new Error([body.error?.message ?? `${path}: ${answer.status}`, ...problems].join("\n"));
  }

  async diff(version) {
    const { from, differences } = await this.json(`/versions/${version}/diff`);
    this.show(`From version ${from} to ${version}`, differences);
  }

  // First what it would change; then, if wanted, the change.
  async propose(version) {
    const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    const { differences } = await this.json(`/versions/${version}/rollback?dry_run=true`, post);
    const button = el("button", { type: "button", class: "strong" }, `Roll back to version ${version}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        const done = await this.json(`/versions/${version}/rollback`, post);
        this.tell(`Version ${version} is in force again, as version ${done.version}.`);
        await this.read();
      } catch (error) {
        this.tell(error.message);
      }
    });
    this.show(`What going back to version ${version} changes`, differences, button);
  }

  show(title, differences, ...more) {
    const list = differences.map(each => el("li", {}, el("code", {}, each.path || "/"),
      ...(each.old === undefined ? [] : [el("pre", { class: "old", "aria-label": "before" }, `\u2212 ${write(each.old)}`)]),
      ...(each.new === undefined ? [] : [el("pre", { class: "new", "aria-label": "after" }, `+ ${write(each.new)}`)])));
    const close = el("button", { type: "button" }, "Close");
    close.addEventListener("click", () => {
      this.detail.hidden = true;
      byId("versions").focus();
    });
    this.detail.replaceChildren(el("h3", {}, title),
      list.length > 0 ? el("ul", { class: "differences" }, ...list) : el("p", { class: "empty" }, "Nothing differs."),
      el("p", { class: "line" }, ...more, close));
    this.detail.hidden = false;
    this.detail.focus();
  }

  tell(text) {
    this.detail.replaceChildren(el("p", { role: "status", class: "told" }, text));
    this.detail.hidden = false;
  }
}
