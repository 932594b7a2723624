import { isMetricName, METRICS, type MetricName } from '../protocol/model/metrics.ts';
import type { Series } from '../protocol/model/sample.ts';
import { isSubjectKey } from '../protocol/model/subject.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import { externalName, labelsOf } from '../server/adapters/remote-write/labels.ts';
import type { LineReader, ReplayInput } from './replay-lines.ts';

/** A reader that also knows whether the end of the file may be here. */
export interface WholeReader {
  readonly read: LineReader;
  /** @throws when the file was cut off */
  readonly end: () => void;
}

const AGENT = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (\S+) (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|$)/y;
const PREFIX = externalName('');

/** OpenMetrics as `vedette history export` writes it: our metrics, our labels, a time on each line. */
export function openMetricsReader(): WholeReader {
  const known = new Map<string, Series>();
  let isAtEnd = false;

  function read(line: string): readonly ReplayInput[] {
    if (isAtEnd) throw new Error('nothing may follow # EOF');
    if (line === '# EOF') isAtEnd = true;
    if (line.startsWith('#')) return [];
    const [, name, labels, value, time] = SAMPLE.exec(line) ?? [];
    if (name === undefined || labels === undefined || value === undefined || time === undefined) {
      throw new Error(`expected NAME{LABELS} VALUE TIME, not ${show(line)}`);
    }
    const head = `${name}{${labels}`;
    const series = known.get(head) ?? seriesOf(name, labels);
    known.set(head, series);
    const at = timeOf(time);
    const sample = { series, at, value: readValue(series.metric, value) };
    return [{ kind: 'sample', arrival: at, sample }];
  }

  return {
    read,
    end() {
      if (!isAtEnd) throw new Error('the file ends without # EOF: it was cut off');
    },
  };
}

const show = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

function seriesOf(name: string, text: string): Series {
  const metric = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  if (!name.startsWith(PREFIX) || !isMetricName(metric)) {
    throw new Error(`"${name}" is no metric of the catalogue`);
  }
  const labels = labelsIn(text);
  const agent = labels.get('agent') ?? '';
  const subject = `${labels.get('kind') ?? ''}:${labels.get('id') ?? ''}`;
  if (!AGENT.test(agent)) throw new Error(`label agent must be an agent's id, not ${show(agent)}`);
  if (!isSubjectKey(subject))
    throw new Error(`labels kind and id are no subject: ${show(subject)}`);
  const isCounter = METRICS[metric].kind === 'counter';
  const series: Series = { metric, subject, agent, ...(isCounter ? { bits: 64 as const } : {}) };
  const wanted = new Set(labelsOf(series).map(([label]) => label));
  const strange = [...labels.keys()].find((label) => !wanted.has(label));
  if (strange !== undefined) throw new Error(`label ${strange} is not one of ours`);
  return series;
}

function labelsIn(text: string): Map<string, string> {
  const found = new Map<string, string>();
  LABEL.lastIndex = 0;
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw new Error(`labels ${show(text)} make no sense`);
    if (found.has(name)) throw new Error(`label ${name} is given twice`);
    found.set(
      name,
      value.replace(/\\(.)/g, (_all, letter: string) => (letter === 'n' ? '\n' : letter)),
    );
  }
  return found;
}

function timeOf(text: string): EpochMs {
  const ms = /^\d{1,13}(\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  if (Number.isSafeInteger(ms)) return epochMs(ms);
  throw new Error(`the time must be epoch seconds, not ${show(text)}`);
}

function readValue(metric: MetricName, text: string): number | bigint {
  if (METRICS[metric].kind === 'counter') {
    if (/^[0-9]{1,20}$/.test(text)) return BigInt(text);
    throw new Error(`the counter ${metric} must be a whole number, not ${show(text)}`);
  }
  const value = /^[-+0-9.eE]+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new Error(`the value must be a number, not ${show(text)}`);
}
