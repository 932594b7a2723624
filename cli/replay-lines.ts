import type { Command } from '../protocol/model/command.ts';
import { isMetricName, METRICS, type MetricName } from '../protocol/model/metrics.ts';
import type { Lane, Sample, Series } from '../protocol/model/sample.ts';
import { isSubjectKey, type SubjectKey } from '../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../protocol/model/units.ts';
import type { EngineSettings } from '../rules/settings.ts';

/**
 * One line of a recording, with the time at which the engine hears of it. A line that begins a record
 * of an input log may say which one; samples belong to the record of the heartbeat before them.
 */
export type ReplayInput =
  | {
      readonly kind: 'sample';
      readonly arrival: EpochMs;
      readonly sample: Sample;
      /** Absent = live. */
      readonly lane?: Lane;
    }
  | (Placed & { readonly kind: 'heartbeat'; readonly agent: string })
  | (Placed & { readonly kind: 'tick' })
  | (Placed & { readonly kind: 'config'; readonly settings: EngineSettings })
  | (Placed & { readonly kind: 'command'; readonly command: Command });

interface Placed {
  readonly arrival: EpochMs;
  readonly position?: number;
}

/** Reads one line. @throws Error in plain words; the caller adds file and line. */
export type LineReader = (line: string) => readonly ReplayInput[];

export interface SeriesNamer {
  /** The vantage of samples that name none: the agent that watches the subject. */
  agentFor(subject: SubjectKey): string;
}

const MAX_AT = 8_640_000_000_000_000;
const AGENT = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/;
const COMMANDS = [
  'acknowledge',
  'unacknowledge',
  'close',
  'take-over',
  'merge',
  'split',
  'not-the-cause',
  'server-started',
  'own-trouble',
  'own-trouble-over',
];

/** ISO 8601; a time without a zone is UTC, so that a replay says the same on every machine. */
function isoTime(text: string): number {
  const parts =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (parts === null) return Number.NaN;
  return Date.parse(`${parts[1]}T${parts[2] ?? '00:00'}${parts[3] ?? 'Z'}`);
}

function instant(value: unknown, name: string): EpochMs {
  const ms = typeof value === 'string' ? isoTime(value) : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0 || ms > MAX_AT) {
    throw new Error(`"${name}" must be epoch milliseconds or ISO 8601, not ${show(value)}`);
  }
  return epochMs(ms);
}

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

function agentName(value: unknown): string {
  if (typeof value === 'string' && AGENT.test(value)) return value;
  throw new Error(`"agent" must be an agent's id, not ${show(value)}`);
}

/** Counters are exact integers up to 2^64 (a string where JSON cannot hold them), gauges finite. */
function numberFor(metric: MetricName, value: unknown): number | bigint {
  if (METRICS[metric].kind === 'counter') {
    const hasDigits =
      typeof value === 'string'
        ? /^[0-9]{1,20}$/.test(value)
        : Number.isSafeInteger(value) && (value as number) >= 0;
    if (hasDigits) return BigInt(value as string | number);
    throw new Error(`"value" of the counter ${metric} must be a whole number, not ${show(value)}`);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`"value" must be a number, not ${show(value)}`);
}

/** A finite decimal number and nothing else: no hexadecimal, no blank, no empty text. */
function plainNumber(text: string): number | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isDigit = code >= 48 && code <= 57;
    // + - . E e
    if (!isDigit && code !== 43 && code !== 45 && code !== 46 && code !== 69 && code !== 101) {
      return undefined;
    }
  }
  const value = Number(text);
  return text.length > 0 && Number.isFinite(value) ? value : undefined;
}

interface Line {
  readonly [name: string]: unknown;
}

function seriesOf(line: Line, namer: SeriesNamer): Series {
  const { metric, subject, agent, bits, every } = line as Record<string, unknown>;
  if (typeof metric !== 'string' || !isMetricName(metric)) {
    throw new Error(`"metric" ${show(metric)} is not in the catalogue`);
  }
  if (typeof subject !== 'string' || !isSubjectKey(subject)) {
    throw new Error(`"subject" must be kind:id, for example link:lyon-mpls, not ${show(subject)}`);
  }
  if (bits !== undefined && bits !== 32 && bits !== 64) throw new Error('"bits" must be 32 or 64');
  if (every !== undefined && !(Number.isInteger(every) && (every as number) > 0)) {
    throw new Error('"every" must be milliseconds above 0');
  }
  return {
    metric,
    subject,
    agent: agent === undefined ? namer.agentFor(subject) : agentName(agent),
    ...(bits === undefined ? {} : { bits }),
    ...(every === undefined ? {} : { every: durationMs(every as number) }),
  };
}

function positionOf({ position }: { readonly position?: unknown }): { position?: number } {
  if (position === undefined) return {};
  if (Number.isSafeInteger(position) && (position as number) > 0) {
    return { position: position as number };
  }
  throw new Error(`"position" must be a whole number above 0, not ${show(position)}`);
}

function laneOf({ lane }: { readonly lane?: unknown }): { lane?: Lane } {
  if (lane === undefined) return {};
  if (lane === 'live' || lane === 'backfill') return { lane };
  throw new Error(`"lane" must be live or backfill, not ${show(lane)}`);
}

function commandOf(value: unknown): Command {
  const command = value as Command;
  if (typeof value !== 'object' || value === null || !COMMANDS.includes(command.kind)) {
    throw new Error(`"command" must be one of ${COMMANDS.join(', ')}, not ${show(value)}`);
  }
  if (command.kind === 'server-started') return command;
  if (command.kind === 'own-trouble' || command.kind === 'own-trouble-over') {
    return ownTrouble(command);
  }
  if (typeof command.incident !== 'string' || typeof command.by !== 'string') {
    throw new Error(`"command" ${command.kind} needs incident and by`);
  }
  if (command.kind === 'merge' && typeof command.into !== 'string') {
    throw new Error('"command" merge needs into');
  }
  const needsAlert = command.kind === 'split' || command.kind === 'not-the-cause';
  if (needsAlert && typeof command.alert !== 'string') {
    throw new Error(`"command" ${command.kind} needs alert`);
  }
  if (command.kind !== 'acknowledge') return command;
  return { ...command, until: instant(command.until, 'until') };
}

function ownTrouble(command: Extract<Command, { kind: 'own-trouble' | 'own-trouble-over' }>) {
  if (typeof command.trouble !== 'string' || typeof command.text !== 'string') {
    throw new Error(`"command" ${command.kind} needs trouble and text`);
  }
  if (command.kind === 'own-trouble-over') return command;
  return { ...command, since: instant(command.since, 'since') };
}

const isTime = (ms: number | undefined): ms is number =>
  ms !== undefined && ms >= 0 && ms <= MAX_AT;

interface Parts {
  readonly at: string;
  readonly middle: string;
  readonly receivedAt: string | undefined;
  readonly value: string;
}

const RECEIVED = ',"receivedAt":';
const VALUE = ',"value":';

/** A line whose first field is `at` and whose last is `value`, cut into its texts. */
function cut(line: string): Parts | undefined {
  if (!line.startsWith('{"at":') || !line.endsWith('}')) return undefined;
  const comma = line.indexOf(',', 6);
  const mark = line.lastIndexOf(VALUE);
  if (comma < 0 || mark < comma) return undefined;
  const received = line.lastIndexOf(RECEIVED, mark);
  const isLate = received > comma;
  return {
    at: line.slice(6, comma),
    middle: line.slice(comma, isLate ? received : mark),
    receivedAt: isLate ? line.slice(received + RECEIVED.length, mark) : undefined,
    value: line.slice(mark + VALUE.length, -1),
  };
}

function settingsOf(value: unknown): EngineSettings {
  const settings = value as EngineSettings;
  const isWhole =
    typeof value === 'object' &&
    value !== null &&
    typeof settings.installation === 'string' &&
    Array.isArray(settings.rules) &&
    Array.isArray(settings.watches) &&
    Array.isArray(settings.inventory?.sites) &&
    typeof settings.timing?.holdDown === 'number';
  if (!isWhole)
    throw new Error('"config" must be settings as vedette record --settings writes them');
  return settings;
}

/** NDJSON lines as `vedette record` writes them and as anybody can make them. */
export function ndjsonReader(namer: SeriesNamer): LineReader {
  const known = new Map<string, Series>();

  /**
   * `{"at":N,"metric":…,"subject":…,"receivedAt":N,"value":N}`, with or without receivedAt: the bulk of
   * every file, read without a JSON parser. What is not exactly so is left to `slow`.
   */
  function quick(line: string): ReplayInput | undefined {
    const parts = cut(line);
    const series = parts && known.get(parts.middle);
    if (parts === undefined || series === undefined) return undefined;
    const at = plainNumber(parts.at);
    const arrival = parts.receivedAt === undefined ? at : plainNumber(parts.receivedAt);
    const value = plainNumber(parts.value);
    if (value === undefined || !isTime(at) || !isTime(arrival)) return undefined;
    return {
      kind: 'sample',
      arrival: epochMs(arrival),
      sample: { series, at: epochMs(at), value },
    };
  }

  /** Remembers the text between time and value, so that the next such line is read quickly. */
  function remember(line: string, series: Series): void {
    const middle = cut(line)?.middle;
    const isPlain = /^,"metric":"[^"\\]*","subject":"[^"\\]*"(,"agent":"[^"\\]*")?(,"every":\d+)?$/;
    if (middle === undefined || METRICS[series.metric].kind !== 'gauge') return;
    if (isPlain.test(middle)) known.set(middle, series);
  }

  function slow(text: string): ReplayInput {
    const line = parse(text);
    const at = instant(line['at'], 'at');
    const { receivedAt } = line as Record<string, unknown>;
    const arrival = receivedAt === undefined ? at : instant(receivedAt, 'receivedAt');
    const place: Placed = { arrival, ...positionOf(line) };
    if ('command' in line) {
      return { kind: 'command', ...place, command: commandOf(line['command']) };
    }
    if ('config' in line) return { kind: 'config', ...place, settings: settingsOf(line['config']) };
    if ('tick' in line) return { kind: 'tick', ...place };
    if ('heartbeat' in line) {
      return { kind: 'heartbeat', ...place, agent: agentName(line['heartbeat']) };
    }
    const series = intern(seriesOf(line, namer));
    remember(text, series);
    return {
      kind: 'sample',
      arrival,
      sample: { series, at, value: numberFor(series.metric, line['value']) },
      ...laneOf(line),
    };
  }

  const interned = new Map<string, Series>();
  function intern(series: Series): Series {
    const key = JSON.stringify(series);
    const same = interned.get(key);
    if (same === undefined) interned.set(key, series);
    return same ?? series;
  }

  return (line) => [quick(line) ?? slow(line)];
}

function parse(text: string): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw new Error(`not JSON: ${(cause as Error).message}`);
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) {
    throw new Error('a line must be a JSON object');
  }
  return line as Line;
}

export interface CsvOptions {
  readonly metric: MetricName;
  readonly subject: SubjectKey;
  readonly agent: string;
  /** Values below this are lost probes; undefined = every value counts. */
  readonly lostBelow?: number;
}

/** The metric that tells the loss of a round trip's probe. */
const LOSS_OF: Partial<Record<MetricName, MetricName>> = {
  icmp_rtt_ms: 'icmp_loss_ratio',
  stamp_rtt_ms: 'stamp_loss_ratio',
};

/** `timestamp,value` lines: epoch seconds or ISO 8601, then a number; a heading is passed over. */
export function csvReader({ metric, subject, agent, lostBelow }: CsvOptions): LineReader {
  const series: Series = { metric, subject, agent };
  const lossMetric = lostBelow === undefined ? undefined : LOSS_OF[metric];
  const loss: Series | undefined = lossMetric && { metric: lossMetric, subject, agent };
  let isFirst = true;

  const sampleAt = (of: Series, at: EpochMs, value: number | bigint): ReplayInput => ({
    kind: 'sample',
    arrival: at,
    sample: { series: of, at, value },
  });

  function valuesAt(at: EpochMs, value: number): ReplayInput[] {
    const isLost = lostBelow !== undefined && value < lostBelow;
    // Loss before round trip, as agents report them.
    const samples = loss === undefined ? [] : [sampleAt(loss, at, isLost ? 1 : 0)];
    if (!isLost) samples.push(sampleAt(series, at, value));
    return samples;
  }

  function read(line: string): ReplayInput[] {
    const comma = line.indexOf(',');
    if (comma < 0) throw new Error(`expected timestamp,value, not ${show(line)}`);
    const at = csvTime(line.slice(0, comma).trim());
    const text = line.slice(comma + 1).trim();
    if (METRICS[metric].kind === 'counter') return [sampleAt(series, at, numberFor(metric, text))];
    const value = plainNumber(text);
    if (value === undefined) throw new Error(`value must be a number, not ${show(text)}`);
    return valuesAt(at, value);
  }

  return (line) => {
    const wasFirst = isFirst;
    isFirst = false;
    if (wasFirst && /^\s*"?[a-z_]/i.test(line)) return [];
    return read(line);
  };
}

function csvTime(text: string): EpochMs {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : isoTime(text);
  if (!Number.isFinite(ms) || ms < 0 || ms > MAX_AT) {
    throw new Error(`timestamp must be epoch seconds or ISO 8601, not ${show(text)}`);
  }
  return epochMs(ms);
}
