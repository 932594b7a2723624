import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';
import { lawFor } from './laws.ts';

export interface Import {
  readonly target: string;
  readonly isType: boolean;
}

export interface Violation {
  readonly file: string;
  readonly target: string;
  readonly why: string;
}

const AREAS = [
  'protocol',
  'rules',
  'config',
  'agent',
  'server',
  'web',
  'lab',
  'cli',
  'bench',
  'test',
];

/** Every source file of the project, relative to `root`. */
export function sourceFiles(root: string): string[] {
  return AREAS.flatMap((area) =>
    readdirSync(join(root, area), { recursive: true, encoding: 'utf8' })
      .map((file) => `${area}/${file}`)
      .filter((file) => /\.tsx?$/.test(file) && !file.includes('/dist/')),
  );
}

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function resolveTarget(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier));
  return specifier.startsWith('node:') ? specifier : `npm:${packageName(specifier)}`;
}

/** What a file imports, type-only or not, by any syntax. Throws on what cannot be read. */
export function importsOf(file: string, text: string): Import[] {
  const { module, errors } = parseSync(file, text);
  // A file that was not read is a law that was not checked.
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const found: Import[] = [];
  const add = (specifier: string, isType: boolean): void => {
    found.push({ target: resolveTarget(file, specifier), isType });
  };
  for (const i of module.staticImports)
    add(i.moduleRequest.value, i.entries.length > 0 && i.entries.every((e) => e.isType));
  for (const e of module.staticExports)
    for (const x of e.entries) if (x.moduleRequest) add(x.moduleRequest.value, x.isType);
  for (const d of module.dynamicImports) {
    const source = text.slice(d.moduleRequest.start, d.moduleRequest.end);
    const quoted = /^(['"`])([^$]*)\1$/s.exec(source);
    if (quoted?.[2] !== undefined) add(quoted[2], false);
    else found.push({ target: `computed:${source}`, isType: false });
  }
  return found;
}

/** Dynamic imports that are computed on purpose: a verb or a bench chosen by its name. */
const MAY_COMPUTE = new Set(['bench/main.ts', 'cli/vedette.ts']);

function violationOf(
  file: string,
  target: string,
  devPackages: ReadonlySet<string>,
): string | undefined {
  if (target.startsWith('computed:'))
    return MAY_COMPUTE.has(file) || file.startsWith('test/')
      ? undefined
      : 'a computed import hides who needs whom; write the name out.';
  const law = lawFor(file);
  if (!law) return 'no law covers this file; add its folder to laws.ts.';
  if (!law.allow.test(target)) return law.why;
  const shipped = !/^(test|bench|web|vitest)/.test(file);
  if (shipped && target.startsWith('npm:') && devPackages.has(target.slice(4)))
    return '`npm ci --omit=dev` must still run: this package is a devDependency.';
  if (shipped && target.startsWith('test/')) return 'nothing that ships may import test/.';
  return undefined;
}

export function violationsOf(
  file: string,
  text: string,
  devPackages: ReadonlySet<string>,
): Violation[] {
  return importsOf(file, text).flatMap(({ target, isType }) => {
    const why = violationOf(file, target, isType ? new Set() : devPackages);
    return why ? [{ file, target, why }] : [];
  });
}

export const readSource = (root: string, file: string): string =>
  readFileSync(join(root, file), 'utf8');
