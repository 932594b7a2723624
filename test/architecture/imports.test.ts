import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importsOf, readSource, sourceFiles, violationsOf } from './imports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as {
  devDependencies: Record<string, string>;
};
const DEV = new Set(Object.keys(manifest.devDependencies));

test('every file imports only what its place allows', () => {
  const files = sourceFiles(ROOT);
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap((file) => violationsOf(file, readSource(ROOT, file), DEV))).toEqual([]);
});

test('no file imports itself in a circle', () => {
  const files = sourceFiles(ROOT);
  const edges = new Map(
    files.map((file) => [
      file,
      importsOf(file, readSource(ROOT, file))
        .filter((i) => !i.isType)
        .map((i) => i.target),
    ]),
  );
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const circle = walk(next, [...path, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  expect(files.flatMap((file) => walk(file, []))).toEqual([]);
});

/** The guard is guarded: each line breaks one law and must be seen. */
test.each([
  ['rules/detect/x.ts', "import { readFileSync } from 'node:fs';"],
  ['rules/detect/x.ts', "import pino from 'pino';"],
  ['rules/detect/x.ts', "import type { SampleBatch } from '../../protocol/wire/batch.ts';"],
  ['protocol/model/x.ts', "export { createEngine } from '../../rules/engine.ts';"],
  ['agent/poll/x.ts', "import { createEngine } from '../../rules/engine.ts';"],
  ['agent/ship/x.ts', "import { openFileSpool } from '../adapters/file-spool/file-spool.ts';"],
  ['agent/adapters/http/x.ts', "import { x } from '../lowdb/document.ts';"],
  ['server/ticket/x.ts', "import { x } from '../adapters/sqlite/open.ts';"],
  ['server/ticket/x.ts', "import Fastify from 'fastify';"],
  ['server/pipeline.ts', "import { startAgent } from '../agent/main.ts';"],
  ['server/ports/x.ts', "import Fastify from 'fastify';"],
  ['config/load.ts', "import { startServer } from '../server/main.ts';"],
  ['lab/x.ts', "import { createEngine } from '../rules/engine.ts';"],
  ['web/src/x.ts', "import { startServer } from '../../server/main.ts';"],
  ['cli/x.ts', "import { createSiteEngine } from '../server/collect/listener.ts';"],
  ['server/show/x.ts', "import { build } from 'vite';"],
  ['rules/x.ts', "export const load = () => import('node:fs');"],
  ['server/pipeline.ts', 'export const load = (name: string) => import(name);'],
  ['elsewhere/x.ts', "import { y } from '../rules/y.ts';"],
])('a violation in %s is seen: %s', (file, text) => {
  expect(violationsOf(file, text, DEV)).toHaveLength(1);
});

test('a type-only import along the law stays green', () => {
  const text = "import type { Fact } from '../../protocol/model/fact.ts';";
  expect(violationsOf('rules/detect/x.ts', text, DEV)).toEqual([]);
});
