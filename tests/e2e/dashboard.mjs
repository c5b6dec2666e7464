// Opens the dashboard of the admin listener at the address given and does what the second argument
// names, with the addresses that follow. Prints what it saw, as JSON.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../build/browser/", import.meta.url))("playwright-core");

const patience = 60_000;  // a guard against hanging, never an expectation
const [, , admin, scene, ...given] = process.argv;
const told = { errors: [] };

const text = (page, selector) => page.locator(selector).innerText({ timeout: patience });

async function until(page, selector, part) {
  await page.locator(selector).filter({ hasText: part }).first().waitFor({ timeout: patience });
}

// Traffic flows while `done` is awaited.
async function under(address, done) {
  let over = false;
  const traffic = (async () => {
    while (!over) await fetch(address).then(answer => answer.arrayBuffer());
  })();
  await done;
  over = true;
  await traffic;
}

const scenes = {
  async traffic(page) {
    await under(given[0], page.waitForFunction(() => /[1-9].*\/s/.test(
      document.querySelector("#tiles strong").textContent), null, { timeout: patience }));
    await until(page, "#route-table tbody tr", "shop");
    told.state = await text(page, "#state");
    told.tiles = await page.locator("#tiles strong").allInnerTexts();
    told.route = await text(page, "#route-table tbody tr:first-child");
    told.listeners = await text(page, "#listener-table");
    told.drawn = await page.locator("#tiles .stroke").first().getAttribute("d");
  },

  async death(page) {
    await until(page, "#upstream-list", "1 of 1 available");
    await fetch(given[0]);
    await until(page, "#upstream-list tbody tr", "unhealthy");
    told.endpoint = await text(page, "#upstream-list tbody tr");
    told.state = await text(page, "#state");
    await until(page, "#log-table", "endpoint_unhealthy");
    await page.selectOption("#log-level", "error");
    await until(page, "#log-table .empty", "No line that is kept fits.");
    await page.selectOption("#log-level", "info");
    await page.fill("#log-text", "LISTENERS=");
    await until(page, "#log-table .empty", "No line that is kept fits.");
    await page.fill("#log-text", "\"code\":\"READY");
    await until(page, "#log-count", "1 of ");
    told.log = await text(page, "#log-table tbody");
  },

  async hostile(page) {
    await until(page, "#route-table tbody", "<img");
    await until(page, "#upstream-list", "<script>");
    told.run = await page.evaluate(() => window.hostile ?? "nothing");
    told.images = await page.locator("main img, main script").count();
    told.refused = await page.evaluate(() => {  // the policy stands behind the care of the page
      try { document.querySelector("main").innerHTML = "<b>x</b>"; } catch { return true; }
      return false;
    });
  },

  async phone(page) {
    await page.setViewportSize({ width: 360, height: 720 });
    await until(page, "#state", "Ready");
    await until(page, "#route-table tbody", "shop");
    told.width = await page.evaluate(() => document.documentElement.scrollWidth);
    told.outside = await page.evaluate(() => [...document.querySelectorAll("main *")].filter(each =>
      each.getBoundingClientRect().right > 361 && !each.closest(".only-read, thead")).map(each => each.outerHTML.slice(0, 80)));
  },

  async keyboard(page) {
    await until(page, "#state", "Ready");
    await until(page, "#upstream-list summary", "api");
    const wanted = await page.evaluate(() => [...document.querySelectorAll("a, button, input, select, summary")]
      .filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 60)));
    const reached = new Set();
    for (let i = 0; i < 2 * wanted.length; i += 1) {
      await page.keyboard.press("Tab");
      const [at, ring] = await page.evaluate(() => [document.activeElement.outerHTML.slice(0, 60),
        getComputedStyle(document.activeElement).outlineStyle]);
      reached.add(at);
      if (ring === "none" && wanted.includes(at)) told.errors.push(`no focus to be seen: ${at}`);
    }
    told.missed = wanted.filter(each => !reached.has(each));
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("/");
    await page.keyboard.type("nothing-has-this-name");
    await until(page, "#route-table .empty", "Nothing here has such a name.");
    await page.keyboard.press("Escape");
    await until(page, "#route-table tbody", "shop");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("3");
    told.focused = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.press("?");
    told.help = await page.evaluate(() => document.querySelector("#help").open);
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await until(page, "#updated", "paused");
  },

  async away(page) {
    await until(page, "#state", "Ready");
    await page.route("**/metrics", route => route.abort());
    await until(page, "#notice", "Weir does not answer");
    told.state = await text(page, "#state");
    await page.unroute("**/metrics");
    await until(page, "#state", "Ready");
    told.notice = await page.locator("#notice").isVisible();
  },

  // The API of versions and the token stand in for what this listener need not have.
  async versions(page) {
    let inForce = 2;
    const json = (route, body) => route.fulfill({ contentType: "application/json", body: JSON.stringify(body) });
    await page.route("**/", route => json(route, { links: { "/versions": "" } }));
    await page.route("**/versions**", async route => {
      const { pathname, search } = new URL(route.request().url());
      const differences = [{ path: "/workers", old: 2, new: "<b>1</b>" }];
      if (pathname === "/versions/1/rollback") {
        if (search === "") inForce = 3;
        told.posted = [route.request().method(), route.request().headers()["content-type"]];
        return json(route, { version: inForce, differences });
      }
      if (pathname === "/versions/2/diff") return json(route, { from: 1, to: 2, differences });
      return json(route, { versions: [1, 2, 3].slice(0, inForce).map(version => ({ version, at: new Date().toISOString(),
        origin: version === 3 ? "rollback" : "file", in_force: version === inForce, ...(version === 3 ? { of: 1 } : {}) })) });
    });
    await page.route("**/metrics", route => (route.request().headers().authorization === "Bearer secret"
      ? route.continue() : route.fulfill({ status: 401, body: "" })));
    await page.locator("#token").fill("secret", { timeout: patience });
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Changes of version 2" }).click({ timeout: patience });
    told.diff = await text(page, "#version-detail .differences");
    await page.getByRole("button", { name: "Roll back of version 1" }).click();
    await page.getByRole("button", { name: "Roll back to version 1" }).click();
    await until(page, "#version-detail", "as version 3");
    await until(page, "#version-table tbody tr:first-child", "rollback to 1");
    told.newest = await text(page, "#version-table tbody tr:first-child");
  },
};

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage();
  page.on("pageerror", error => told.errors.push(String(error)));
  page.on("request", request => {
    if (!request.url().startsWith(admin) && !request.url().startsWith("data:")) told.errors.push(`outside: ${request.url()}`);
  });
  await page.goto(admin, { timeout: patience });
  await scenes[scene](page);
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
