/** Starts a browser for the scripts of this folder: an installed Chrome or Chromium, found by lib/tools/chromium.mjs. */
import { chromium } from "playwright-core";
import { findChromium } from "../../lib/tools/chromium.mjs";

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  const executablePath = findChromium();
  return chromium.launch({ args: QUIET, ...(executablePath ? { executablePath } : {}) });
}
