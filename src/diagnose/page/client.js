// @ts-check
/**
 * The page's behaviour: buttons open the waterfall of their request below them, the box filters the list of requests.
 *
 * @import { PageWaterfall } from './page-data.ts'
 */
import { drawWaterfall } from './draw-waterfall.js';

/** @type {(PageWaterfall | null)[]} */
const waterfalls = JSON.parse(document.getElementById('waterfalls')?.textContent ?? '[]');

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('button[data-request]') : null;
  if (button instanceof HTMLElement) toggle(button);
});

/** @param {HTMLElement} button */
function toggle(button) {
  const slot = document.getElementById(button.getAttribute('aria-controls') ?? '');
  const waterfall = waterfalls[Number(button.dataset['request'])];
  if (slot === null || waterfall === null || waterfall === undefined) return;
  const open = button.getAttribute('aria-expanded') !== 'true';
  button.setAttribute('aria-expanded', String(open));
  slot.hidden = !open;
  if (open && slot.childElementCount === 0) slot.append(drawWaterfall(waterfall));
}

const box = document.getElementById('filter');
if (box instanceof HTMLInputElement) box.addEventListener('input', () => filter(box.value));

/** @param {string} text */
function filter(text) {
  const wanted = text.trim().toLowerCase();
  let shown = 0;
  for (const item of document.querySelectorAll('#requests > li')) {
    if (!(item instanceof HTMLElement)) continue;
    const request = waterfalls[Number(item.dataset['request'])];
    const line = `${item.textContent} ${request?.line ?? ''}`.toLowerCase();
    item.hidden = wanted !== '' && !line.includes(wanted);
    if (!item.hidden) shown += 1;
  }
  const count = document.getElementById('filter-count');
  if (count !== null) count.textContent = wanted === '' ? '' : `${shown} shown`;
}
