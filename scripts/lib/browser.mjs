// Headless Chromium for benches and screenshots; its flags give WebGPU on a software
// adapter where there is no GPU.

import { requireBrowser } from "./tools.mjs";

export const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const WEBGPU = ["--enable-unsafe-webgpu"];

export async function launch(extra = []) {
  const executablePath = await requireBrowser();
  const { chromium } = await import("playwright-core");
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...extra] });
}
