import { signal } from '@preact/signals';
import { askTo } from '../views/ask.tsx';
import { go, route } from './route.ts';

const OFF_KEY = 'vedette.keys';

export const isHelpShown = signal(false);
/** Single keys can be switched off (WCAG 2.1.4): speech input and stray hands press them too. */
export const areKeysOn = signal(localStorage.getItem(OFF_KEY) !== 'off');

export function switchKeys(isOn: boolean): void {
  areKeysOn.value = isOn;
  localStorage.setItem(OFF_KEY, isOn ? 'on' : 'off');
}

export const KEYS: readonly (readonly [string, string])[] = [
  ['j, k', 'next, previous'],
  ['Enter', 'open'],
  ['a', 'acknowledge'],
  ['/', 'filter'],
  ['g n', 'go to Now'],
  ['g s', 'go to Sites and links'],
  ['g c', 'go to Changes'],
  ['g a', 'go to Agents'],
  ['u', 'back'],
  ['?', 'this list'],
];

const PLACES: Readonly<Record<string, string>> = {
  n: '#/now',
  s: '#/sites',
  c: '#/changes',
  a: '#/agents',
};
const CHORD_MS = 1_200;
let goAt = Number.NEGATIVE_INFINITY;

const ACTIONS: Readonly<Record<string, () => void>> = {
  j: () => move(1),
  k: () => move(-1),
  a: acknowledge,
  '/': () => document.querySelector<HTMLElement>('[data-filter]')?.focus(),
  u: () => go(route.peek().view === 'sites' ? '#/sites' : '#/now'),
  '?': () => {
    isHelpShown.value = true;
  },
  g: () => {
    goAt = performance.now();
  },
};

export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (!areKeysOn.peek() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector('dialog[open]') !== null) return;
    const place = performance.now() - goAt < CHORD_MS ? PLACES[event.key] : undefined;
    goAt = Number.NEGATIVE_INFINITY;
    const action = place === undefined ? ACTIONS[event.key] : () => go(place);
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('input, select, textarea, [contenteditable]');

function move(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** The incident that has the focus, else the one that the view is about. */
function acknowledge(): void {
  const focused = document.activeElement?.getAttribute('data-incident');
  const shown = route.peek().view === 'incidents' ? route.peek().id : undefined;
  const id = focused ?? shown;
  if (id) askTo({ verb: 'acknowledge', id });
}
