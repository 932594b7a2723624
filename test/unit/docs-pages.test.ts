import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DERIVED_METRICS, METRICS } from '../../protocol/model/metrics.ts';
import { PROBLEMS } from '../../protocol/wire/problem.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');
const firstCells = (page: string): string[] =>
  [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');

test('docs/metrics.md lists exactly the metrics of the catalogue', () => {
  expect(firstCells(read('docs/metrics.md'))).toEqual([
    ...Object.keys(METRICS),
    ...Object.keys(DERIVED_METRICS),
  ]);
});

test('docs/errors.md lists exactly the problem codes, with their status', () => {
  const page = read('docs/errors.md');
  expect(firstCells(page)).toEqual(Object.keys(PROBLEMS));
  for (const [code, { status }] of Object.entries(PROBLEMS))
    expect(page).toContain(`| \`${code}\` | ${status} |`);
});

test('every npm command that the documents name exists in package.json', () => {
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(new URL('docs', ROOT))
      .filter((f) => f.endsWith('.md'))
      .map((f) => `docs/${f}`),
  ];
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/npm run ([a-z:]+)/g)].map((m) => m[1] ?? ''),
  );
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
});

test('every link from the documents to a file of the project leads somewhere', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(new URL('docs', ROOT))
      .filter((f) => f.endsWith('.md'))
      .map((f) => `docs/${f}`),
  ];
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(
        () => readFileSync(new URL(target ?? '', new URL(page, ROOT))) && true,
        `${page} → ${target}`,
      ).not.toThrow(/ENOENT/);
    }
  }
});
