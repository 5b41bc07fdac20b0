import { chromium } from 'playwright-core';
import { AxeBuilder } from '@axe-core/playwright';
import { serve } from './scripts/serve.mjs';
const site = await serve();
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox'] });
for (const q of process.argv.slice(2)) for (const w of [1440,390]) {
  const c = await b.newContext({ viewport: {width:w,height:900} }); const p = await c.newPage();
  await p.goto(site.url+q); await p.waitForTimeout(5000);
  for (const t of ['Explore','Train','Library']) {
    const tab = p.getByRole('tab',{name:t}); if (!(await tab.count())) continue; await tab.click(); await p.waitForTimeout(500);
    for (const s of await p.locator('summary').all()) if (await s.isVisible()) await s.click();
    const { violations } = await new AxeBuilder({ page: p }).analyze();
    for (const v of violations) console.log(q,w,t,v.id, v.nodes.slice(0,4).map(n=>n.target+' '+n.failureSummary.split('\n')[1]).join(' | '));
    const small = await p.evaluate(() => [...document.querySelectorAll('button,a,input,select,summary,textarea')].filter(e => { let box = e.getBoundingClientRect(); if (!box.width||e.closest('[hidden]')||e.classList.contains('hidden')) return false; if (['checkbox','radio'].includes(e.type)) { const l=e.closest('label'); if (l) box = l.getBoundingClientRect(); } if (e.tagName==='A' && e.closest('p,li')) return false; return box.height < 43.5 || box.width < 43.5; }).map(e => e.tagName+' '+(e.type||'')+' '+(e.textContent.trim().slice(0,20)||e.getAttribute('aria-label')||'')+' '+Math.round(e.getBoundingClientRect().width)+'x'+Math.round(e.getBoundingClientRect().height)));
    if (w===390 && small.length) console.log(q,t,'small:',small.join('; '));
    console.log(q,w,t, await p.evaluate(()=>document.documentElement.scrollHeight+'h '+document.documentElement.scrollWidth+'w'));
  }
  await c.close();
}
await b.close(); await site.close();
