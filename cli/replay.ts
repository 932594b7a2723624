import { once } from 'node:events';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { Fact } from '../protocol/model/fact.ts';
import { EMPTY_INVENTORY } from '../protocol/model/inventory.ts';
import { isMetricName, type MetricName } from '../protocol/model/metrics.ts';
import { type SubjectKey, type SubjectKind, subjectKey } from '../protocol/model/subject.ts';
import { createEngine } from '../rules/engine.ts';
import { DEFAULT_RULES, DEFAULT_TIMING } from '../rules/packs/default.ts';
import type { EngineSettings } from '../rules/settings.ts';
import { createDrive } from './replay-drive.ts';
import { changeLine, createTicketBook, factLine, isTold } from './replay-facts.ts';
import { csvReader, ndjsonReader } from './replay-lines.ts';
import { inputsOf, merged, type Readers, ReplayInputError } from './replay-source.ts';

const HELP = `vedette replay --samples FILE… [--config FILE] [--metric NAME] [--lost-below X]
               [--tickets] [--changes] [--series NAME]

Runs recorded samples through the live engine in virtual time and prints what it decided, one JSON
line per fact on stdout.

  --samples FILE…   NDJSON or plain CSV (timestamp,value); .gz is unpacked, - is stdin; several files
                    are merged by time
  --config FILE     inventory and rules; without it every series is its own subject
  --metric NAME     what the numbers of a CSV file are (default gauge: a number nothing is known of)
  --lost-below X    CSV: values below X are lost probes
  --tickets         in place of facts one line per incident: series, subject, device, openedAt,
                    resolvedAt, priority (epoch seconds)
  --series NAME     how tickets and changes call their series, for a recording of one network
  --changes         one line per change of level: {"type":"change"}, series, at (first sample of the
                    new level), reportedAt (epoch seconds); in place of facts, with --tickets both

NDJSON lines: {"at":MS,"metric":NAME,"subject":"kind:id","value":N} with optional agent, receivedAt,
every, bits and lane (live, backfill); {"at":MS,"heartbeat":AGENT}; {"at":MS,"command":{…}};
{"at":MS,"config":{…}} (settings from here on); {"at":MS,"tick":true} (a recording that holds ticks
gets no others). All but samples may carry "position", the record of an input log that they begin: ids
of incidents derive from it.

Examples:
  vedette replay --config vedette.yaml --samples monday.ndjson.gz
  vedette replay --samples a.csv b.csv --metric icmp_rtt_ms --lost-below 0 --tickets
`;

interface ReplayArguments {
  readonly samples: readonly string[];
  readonly config: string | undefined;
  readonly metric: MetricName;
  readonly lostBelow: number | undefined;
  readonly hasTickets: boolean;
  readonly hasChanges: boolean;
  readonly series: string | undefined;
}

/** Agent of recordings that name none. */
const REPLAY_AGENT = 'replay';

/** The verb `replay`. Exit code: 0 done, 1 the input is no recording, 2 wrong usage, 78 bad config. */
export async function run(argv: string[]): Promise<number> {
  let parsed: ReplayArguments | 'help';
  try {
    parsed = parse(argv);
  } catch (cause) {
    process.stderr.write(
      `vedette replay: ${(cause as Error).message}\nSee vedette replay --help.\n`,
    );
    return 2;
  }
  if (parsed === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const settings = await settingsFor(parsed.config);
  if (settings === undefined) return 78;
  try {
    await replay(parsed, settings);
    return 0;
  } catch (cause) {
    if (!(cause instanceof ReplayInputError)) throw cause;
    process.stderr.write(`vedette replay: ${cause.message}\n`);
    return 1;
  }
}

function parse(argv: string[]): ReplayArguments | 'help' {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      samples: { type: 'string', multiple: true },
      config: { type: 'string' },
      metric: { type: 'string', default: 'gauge' },
      'lost-below': { type: 'string' },
      tickets: { type: 'boolean', default: false },
      changes: { type: 'boolean', default: false },
      series: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const samples = [...(values.samples ?? []), ...positionals];
  if (samples.length === 0) throw new Error('--samples FILE is missing');
  if (!isMetricName(values.metric))
    throw new Error(`--metric ${values.metric} is not in the catalogue`);
  const lostBelow = values['lost-below'];
  if (lostBelow !== undefined && !Number.isFinite(Number(lostBelow || Number.NaN))) {
    throw new Error(`--lost-below must be a number, not ${lostBelow}`);
  }
  return {
    samples,
    config: values.config,
    metric: values.metric,
    lostBelow: lostBelow === undefined ? undefined : Number(lostBelow),
    hasTickets: values.tickets,
    hasChanges: values.changes,
    series: values.series,
  };
}

async function settingsFor(config: string | undefined): Promise<EngineSettings | undefined> {
  if (config === undefined) {
    return {
      installation: REPLAY_AGENT,
      inventory: EMPTY_INVENTORY,
      rules: DEFAULT_RULES,
      timing: DEFAULT_TIMING,
      watches: [],
    };
  }
  const { DEFAULT_PACK, loadConfig } = await import('../config/load.ts');
  const { engineSettings } = await import('../config/map.ts');
  const { problemText } = await import('../config/problem.ts');
  const loaded = await loadConfig(config, process.env);
  if (loaded.ok) return engineSettings(loaded.config, REPLAY_AGENT, DEFAULT_PACK);
  for (const problem of loaded.problems) process.stderr.write(`${problemText(problem)}\n`);
  return undefined;
}

/** What a CSV of this metric is about. */
function kindFor(metric: MetricName): SubjectKind {
  if (metric.startsWith('icmp_') || metric.startsWith('stamp_')) return 'link';
  if (metric.startsWith('device_') || metric === 'snmp_answered') return 'device';
  return metric.startsWith('agent_') ? 'agent' : 'service';
}

/** The series is named after the file: `data/rtt-11119.csv.gz` is rtt-11119. */
const seriesName = (file: string): string =>
  file === '-'
    ? 'stdin'
    : basename(file)
        .replace(/\.gz$/, '')
        .replace(/\.[^.]+$/, '');

function subjectFor(name: string, metric: MetricName): SubjectKey {
  const id =
    name
      .replace(/[^a-zA-Z0-9_.-]/g, '-')
      .replace(/^[^a-zA-Z0-9]+/, '')
      .slice(0, 64) || 'csv';
  return metric.startsWith('if_') ? `interface:${id}/${id}` : subjectKey(kindFor(metric), id);
}

function readersFor(
  { metric, lostBelow }: ReplayArguments,
  settings: EngineSettings,
  names: Map<string, string>,
): Readers {
  const watcher = new Map<string, string>();
  for (const { agent, subjects } of settings.watches) {
    for (const subject of subjects) if (!watcher.has(subject)) watcher.set(subject, agent);
  }
  const agentFor = (subject: SubjectKey): string => watcher.get(subject) ?? REPLAY_AGENT;
  return {
    ndjson: () => ndjsonReader({ agentFor }),
    csv(file) {
      const name = seriesName(file);
      const subject = subjectFor(name, metric);
      names.set(subject, name);
      const lost = lostBelow === undefined ? {} : { lostBelow };
      return csvReader({ metric, subject, agent: agentFor(subject), ...lost });
    },
  };
}

async function replay(options: ReplayArguments, settings: EngineSettings): Promise<void> {
  const engine = createEngine(settings);
  const names = new Map<string, string>();
  const output = createOutput();
  const { take, rest } = tellerFor(options, names);
  const drive = createDrive(engine, (facts) => {
    for (const fact of facts) for (const line of take(fact)) output.line(line);
  });
  const readers = readersFor(options, settings, names);
  for await (const inputs of merged(options.samples.map((file) => inputsOf(file, readers)))) {
    drive.take(inputs);
    await output.drained();
  }
  drive.end();
  for (const line of rest()) output.line(line);
  await output.drained();
}

/** What is printed of a fact, and of all that is open at the end. */
interface Teller {
  take(fact: Fact): readonly string[];
  rest(): readonly string[];
}

function tellerFor(options: ReplayArguments, names: ReadonlyMap<string, string>): Teller {
  const { hasTickets, hasChanges, series } = options;
  if (!hasTickets && !hasChanges) {
    return { take: (fact) => (isTold(fact) ? [factLine(fact)] : []), rest: () => [] };
  }
  const seriesOf = (subject: string): string | undefined => series ?? names.get(subject);
  const tickets = createTicketBook(seriesOf);
  const linesOf = (line: object | undefined): readonly string[] =>
    line === undefined ? [] : [JSON.stringify(line)];
  return {
    take: (fact) => [
      ...linesOf(hasTickets ? tickets.take(fact) : undefined),
      ...linesOf(hasChanges ? changeLine(fact, seriesOf) : undefined),
    ],
    rest: () => (hasTickets ? tickets.rest().flatMap(linesOf) : []),
  };
}

interface Output {
  line(text: string): void;
  /** Resolves when what was written has gone; a slow reader slows the replay, not the memory. */
  drained(): Promise<void>;
}

function createOutput(): Output {
  let pending: string[] = [];
  return {
    line: (text) => pending.push(text),
    async drained() {
      if (pending.length === 0) return;
      const text = `${pending.join('\n')}\n`;
      pending = [];
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
  };
}
