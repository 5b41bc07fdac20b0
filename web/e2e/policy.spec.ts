// No request leaves the site, and nothing runs that does not come from a file of it.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

// Not the test of the other stories, which fails as soon as another site is named.
import { expect, test } from '@playwright/test';

import { serve } from '../../scripts/serve.mjs';
import { PAGES } from '../src/rooms/table';

/** Another site, and what was asked of it. */
const asked: string[] = [];
let elsewhere: Server;
let other: string;
let site: Awaited<ReturnType<typeof serve>>;

/** What each attempt below is blocked by. */
const DIRECTIVES = [
  ...['script-src', 'script-src-elem', 'script-src-attr', 'connect-src', 'worker-src'],
  ...['img-src', 'style-src-elem', 'frame-src', 'form-action'],
];

test.beforeAll(async () => {
  site = await serve({ base: '/some/sub/path/' });
  elsewhere = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('access-control-allow-origin', '*').end();
  });
  await new Promise<void>((ready) => elsewhere.listen(0, '127.0.0.1', ready));
  other = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
  // It can be reached: what follows would be seen.
  await fetch(`${other}seen`);
  expect(asked.splice(0)).toEqual(['/seen']);
});

test.afterAll(async () => {
  await site.close();
  elsewhere.close();
});

for (const { path } of PAGES) {
  test(`${path}: scripts in the page, eval and other sites are blocked`, async ({
    page,
  }) => {
    const foreign: string[] = [];
    page.on('request', (request) => {
      const url = request.url();
      if (/^(https?|wss?):/.test(url) && !url.startsWith(site.url)) foreign.push(url);
    });
    await page.goto(new URL(path, site.url).href);
    await expect(page.locator('main')).toBeVisible();
    await page.waitForLoadState('networkidle');
    expect(foreign, 'what the page asks for itself').toEqual([]);

    const ran = await page.evaluate(async ([elsewhere, ...directives]) => {
      const waiting = new Set(directives);
      const blocked = new Promise<void>((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => {
          waiting.delete(event.effectiveDirective);
          if (waiting.size === 0) resolve();
        });
      });
      const ran: string[] = [];
      Reflect.set(window, 'ran', ran);
      const attempt = async (name: string, work: () => unknown): Promise<void> => {
        try {
          await work();
          ran.push(name);
        } catch {
          // Blocked.
        }
      };
      const add = (tag: string, fields: Record<string, string>): HTMLElement => {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(fields)) element.setAttribute(name, value);
        document.body.append(element);
        return element;
      };
      // Not from within a debugger's call, which may do what the page may not.
      await new Promise((resolve) => {
        setTimeout(resolve);
      });
      await attempt('eval', () => (0, eval)('1'));
      await attempt('Function', () => new Function('return 1')());
      await attempt('fetch', () => fetch(elsewhere, { mode: 'no-cors' }));
      await attempt('a worker of a text', () => {
        const text = URL.createObjectURL(new Blob(['postMessage(1)']));
        const worker = new Worker(text);
        return new Promise((resolve, reject) => {
          worker.onmessage = resolve;
          worker.onerror = reject;
        });
      });
      const inline = document.createElement('script');
      inline.textContent = "window.ran.push('an inline script')";
      document.body.append(inline);
      add('button', { onclick: "window.ran.push('an inline handler')" }).click();
      add('script', { src: `${elsewhere}script.js` });
      add('img', { src: `${elsewhere}picture.png` });
      add('link', { rel: 'stylesheet', href: `${elsewhere}style.css` });
      add('iframe', { src: elsewhere });
      const form = document.createElement('form');
      form.action = elsewhere;
      document.body.append(form);
      form.submit();
      navigator.sendBeacon(elsewhere, 'text');
      // Ends with the story's time where one of them is not blocked.
      await blocked;
      return ran;
    }, [other, ...DIRECTIVES] as const);

    expect(ran).toEqual([]);
    expect(asked, 'what reached the other site').toEqual([]);
    expect(page.url()).toContain(site.url);
  });
}
