import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Figure, isMet, line } from './figure.ts';

/** A bench file: one question, answered in figures. */
interface Bench {
  readonly name: string;
  run(): Promise<Figure[]>;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const DOC = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const NO_BENCH = new Set(['main.ts', 'figure.ts']);

const available = readdirSync(HERE)
  .filter((file) => file.endsWith('.ts') && !NO_BENCH.has(file) && !file.startsWith('support-'))
  .map((file) => file.slice(0, -3))
  .sort();

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** The part of docs/benchmarks.md that belongs to one bench; others' parts stay as they were. */
function replaceSection(doc: string, name: string, body: string): string {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const section = `${begin}\n${body}\n${end}`;
  const from = doc.indexOf(begin);
  if (from < 0) return `${doc.trimEnd()}\n\n${section}\n`;
  return doc.slice(0, from) + section + doc.slice(doc.indexOf(end) + end.length);
}

function report(bench: string, figures: readonly Figure[], loadBefore: string): void {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  const head = `### ${bench}\n\n${new Date().toISOString().slice(0, 10)}, commit ${git('rev-parse', '--short', 'HEAD')}, Node ${process.version}, ${cpus().length} × ${cpu}, load before ${loadBefore}\n`;
  const body = `${head}\n\`\`\`\n${figures.map(line).join('\n')}\n\`\`\``;
  const intro =
    '# Benchmarks\n\n`npm run bench [-- NAME …]` measures and writes this page. One small, noisy machine: trust ratios\nmeasured in the same run and CPU-seconds, not digits. A missed budget stays here as missed.\n';
  let doc = intro;
  try {
    doc = readFileSync(DOC, 'utf8');
  } catch {
    // The first run writes the page.
  }
  writeFileSync(DOC, replaceSection(doc, bench, body));
}

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith('-'));
const unknown = wanted.filter((name) => !available.includes(name));
if (unknown.length > 0) {
  console.error(`bench: no bench named ${unknown.join(', ')}; there are: ${available.join(', ')}`);
  process.exit(2);
}
let missed = 0;
for (const file of wanted.length > 0 ? wanted : available) {
  const bench = (await import(`./${file}.ts`)) as Bench;
  const loadBefore = loadavg()[0]?.toFixed(1) ?? '?';
  const figures = await bench.run();
  for (const figure of figures) {
    console.log(line(figure));
    if (isMet(figure) === false) missed += 1;
  }
  report(bench.name, figures, loadBefore);
}
if (missed > 0) console.log(`${missed} budget${missed === 1 ? '' : 's'} missed`);
process.exit(0);
