// Opens the page at the address given, waits until its script says that it is done, and prints what
// the page told, as JSON. Certificates are not judged: the tests make their own.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../build/browser/", import.meta.url))("playwright-core");

const patience = 60_000;  // a guard against hanging, never an expectation
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(process.argv[2], { timeout: patience });
  const told = await page.waitForFunction(() => window.told, null, { timeout: patience });
  console.log(JSON.stringify(await told.jsonValue()));
} finally {
  await browser.close();
}
