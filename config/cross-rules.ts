import { DERIVED_METRICS, METRICS } from '../protocol/model/metrics.ts';
import type { SubjectKind } from '../protocol/model/subject.ts';
import { compileCondition } from '../rules/express/compile.ts';
import type { Detector } from '../rules/settings.ts';
import type { Findings } from './cross.ts';
import { changedRule, DETECTOR_FIELDS, NEEDED_IN_NEW_RULES } from './rules.ts';
import type { RuleChange } from './schema-rules.ts';
import { didYouMean, parseDuration } from './words.ts';

/** Which subjects a kind of detector can judge. */
const SUBJECTS_OF = {
  unreachable: ['device', 'link'],
  'interface-down': ['interface'],
  'snmp-silent': ['device'],
  'agent-silent': ['agent'],
} as const satisfies Partial<Record<Detector['kind'], readonly SubjectKind[]>>;

/** Which subjects a metric is measured on, by the beginning of its name. */
const METRIC_SUBJECTS: readonly (readonly [string, readonly SubjectKind[]])[] = [
  ['path_', ['link']],
  ['icmp_', ['device', 'link']],
  ['stamp_', ['link']],
  ['if_', ['interface']],
  ['device_', ['device']],
  ['snmp_', ['device']],
  ['agent_', ['agent']],
  ['bgp_', ['device']],
  ['bfd_', ['device']],
  ['route_', ['device']],
];

const METRIC_NAMES = Object.keys({ ...METRICS, ...DERIVED_METRICS });

/** Three days: what the minutes of a burn rate are kept for. */
const MOST_WINDOW = 259_200_000;

/** Metrics of which a low value is never trouble, so that raising below a limit is a slip. */
const HIGH_IS_BAD =
  /loss|rtt|jitter|ipdv|forward|backward|errors|discards|cpu|memory|celsius|lag|spool/;

/** Changes of rules against the pack, the metric catalogue and the inventory. */
export function checkRules(findings: Findings): void {
  const { config, pack } = findings;
  checkRuleTwins(findings);
  const known = new Map(pack.rules.map((rule) => [rule.id, rule]));
  for (const [n, change] of config.rules.entries()) {
    const at = `/rules/${n}`;
    const rule = known.get(change.id);
    checkSelector(findings, at, change);
    if (change.detector !== undefined) checkNewRule(findings, at, change, rule !== undefined);
    else if (rule !== undefined) {
      checkChange(findings, at, change, rule.detector);
      checkDetector(findings, at, rule.detector, changedRule(rule, change).detector);
    } else if (change.id !== '') {
      findings.error(
        `${at}/id`,
        `there is no rule "${change.id}" to change${didYouMean(change.id, known.keys())}; a new rule needs a detector`,
      );
    }
  }
  checkTiming(findings);
}

/** Several changes of one rule are for different subjects; only one may be for all. */
function checkRuleTwins(findings: Findings): void {
  const { config, pack } = findings;
  const shipped = new Set(pack.rules.map((rule) => rule.id));
  const seen = new Set<string>();
  for (const [n, { id, where }] of config.rules.entries()) {
    if (id === '' || (shipped.has(id) && where !== undefined)) continue;
    if (seen.has(id)) {
      const hint = shipped.has(id) ? '; say with where which subjects the other one is for' : '';
      findings.error(`/rules/${n}/id`, `"${id}" is already used in rules${hint}`);
    }
    seen.add(id);
  }
}

/** Figures that the detector of the rule does not have. */
function checkChange(findings: Findings, at: string, change: RuleChange, detector: Detector): void {
  for (const [field, kinds] of Object.entries(DETECTOR_FIELDS)) {
    if (change[field as keyof RuleChange] === undefined) continue;
    if (!(kinds as readonly string[]).includes(detector.kind)) {
      findings.error(
        `${at}/${field}`,
        `the rule "${change.id}" is of kind ${detector.kind} and has no ${field}`,
      );
    }
  }
}

function checkNewRule(findings: Findings, at: string, change: RuleChange, isKnown: boolean): void {
  const missing = NEEDED_IN_NEW_RULES.filter((field) => change[field] === undefined);
  if (missing.length > 0 && !isKnown) {
    findings.error(at, `a new rule also needs ${missing.join(', ')}`);
  }
  for (const field of Object.keys(DETECTOR_FIELDS)) {
    if (change[field as keyof RuleChange] === undefined) continue;
    findings.error(`${at}/${field}`, `write ${field} inside detector when the rule has one`);
  }
  const { detector } = change;
  if (detector?.kind === 'threshold') checkThreshold(findings, at, change, detector);
  else if (detector?.kind === 'expression') checkExpression(findings, at, change, detector);
  else if (detector !== undefined && 'metric' in detector) {
    checkNamed(findings, at, change, detector);
    if (detector.kind === 'burn-rate') checkWindows(findings, `${at}/detector`, detector);
  } else if (detector !== undefined) {
    checkSubjects(findings, at, change, detector.kind, SUBJECTS_OF[detector.kind]);
    if (detector.kind === 'unreachable') checkMisses(findings, `${at}/detector`, detector);
  }
}

type Threshold = Extract<NonNullable<RuleChange['detector']>, { kind: 'threshold' }>;

function checkThreshold(
  findings: Findings,
  at: string,
  change: RuleChange,
  detector: Threshold,
): void {
  const { metric, also = [] } = detector;
  for (const [n, other] of also.entries()) {
    checkMetric(findings, `${at}/detector/also/${n}`, other);
  }
  if (!checkMetric(findings, `${at}/detector/metric`, metric)) return;
  checkBand(findings, `${at}/detector`, detector, HIGH_IS_BAD.test(metric));
  if (parseDuration(detector.over) < 1000) {
    findings.error(`${at}/detector/over`, 'expected 1s or more');
  }
  const subjects = METRIC_SUBJECTS.find(([prefix]) => metric.startsWith(prefix))?.[1];
  checkSubjects(findings, at, change, metric, subjects);
}

type BurnRate = Extract<NonNullable<RuleChange['detector']>, { kind: 'burn-rate' }>;

function checkWindows(findings: Findings, at: string, { windows, metric }: BurnRate): void {
  if (metric !== '' && !metric.endsWith('_loss_ratio')) {
    findings.error(`${at}/metric`, 'minutes are judged by their loss ratio');
  }
  for (const [n, { long, short }] of windows.entries()) {
    const [longMs, shortMs] = [parseDuration(long), parseDuration(short)];
    const place = `${at}/windows/${n}`;
    if (longMs > MOST_WINDOW) findings.error(`${place}/long`, 'expected 3d or less');
    if (shortMs < 300_000) findings.error(`${place}/short`, 'expected 5m or more');
    if (shortMs >= longMs) {
      findings.error(`${place}/short`, `must be shorter than the long window (${long})`);
    }
  }
}

type Named = Extract<NonNullable<RuleChange['detector']>, { metric: string }>;

function checkNamed(findings: Findings, at: string, change: RuleChange, detector: Named): void {
  const { metric, also = [] } = detector;
  const alongside = detector.kind === 'drop' ? detector.alongside : undefined;
  const named: [string, string][] = [['metric', metric]];
  for (const [n, other] of also.entries()) named.push([`also/${n}`, other]);
  if (alongside !== undefined) named.push(['alongside/metric', alongside.metric]);
  for (const [field, one] of named) {
    if (!checkMetric(findings, `${at}/detector/${field}`, one)) continue;
    const subjects = METRIC_SUBJECTS.find(([prefix]) => one.startsWith(prefix))?.[1];
    checkSubjects(findings, at, change, one, subjects);
  }
}

type Expression = Extract<NonNullable<RuleChange['detector']>, { kind: 'expression' }>;

function checkExpression(
  findings: Findings,
  at: string,
  change: RuleChange,
  { raise, clear }: Expression,
): void {
  for (const [field, text] of Object.entries({ raise, clear })) {
    if (text === undefined || text === '') continue;
    const result = compileCondition(text);
    const pointer = `${at}/detector/${field}`;
    if (!result.ok) {
      const hint = result.unknown === undefined ? '' : didYouMean(result.unknown, METRIC_NAMES);
      findings.errorInside(pointer, result.offset, `${result.message}${hint}`);
      continue;
    }
    for (const metric of result.condition.metrics) {
      const subjects = METRIC_SUBJECTS.find(([prefix]) => metric.startsWith(prefix))?.[1];
      checkSubjects(findings, at, change, metric, subjects);
    }
  }
}

function checkSubjects(
  findings: Findings,
  at: string,
  change: RuleChange,
  what: string,
  fitting: readonly SubjectKind[] | undefined,
): void {
  for (const [n, kind] of (change.on ?? []).entries()) {
    if (fitting === undefined || fitting.includes(kind)) continue;
    findings.error(
      `${at}/on/${n}`,
      `${what} is never measured on a ${kind}; expected ${fitting.join(' or ')}`,
    );
  }
}

function checkMetric(findings: Findings, pointer: string, metric: string): boolean {
  const known = { ...METRICS, ...DERIVED_METRICS };
  if (!Object.hasOwn(known, metric)) {
    const hint = didYouMean(metric, Object.keys(known));
    if (metric !== '') findings.error(pointer, `there is no metric "${metric}"${hint}`);
    return false;
  }
  if (known[metric as keyof typeof known].kind === 'gauge') return true;
  findings.error(
    pointer,
    `${metric} is a counter, which only grows; judge a rate: ${Object.keys(DERIVED_METRICS).join(', ')}`,
  );
  return false;
}

/** The pack's detector after the change: it must still judge in the same direction. */
function checkDetector(findings: Findings, at: string, before: Detector, after: Detector): void {
  if (before.kind === 'threshold' && after.kind === 'threshold') {
    const isHighBad = before.band.raiseAt > before.band.clearAt;
    if (isHighBad) checkBand(findings, at, after.band, true);
    else if (after.band.clearAt <= after.band.raiseAt) {
      findings.error(
        `${at}/clearAt`,
        'this rule raises below a limit: clearAt must be above raiseAt',
      );
    }
  } else if (after.kind === 'unreachable') checkMisses(findings, at, after);
}

/** Without a gap between raising and clearing an alert would flutter. */
function checkBand(
  findings: Findings,
  at: string,
  { raiseAt, clearAt }: { raiseAt: number; clearAt: number },
  isHighBad: boolean,
): void {
  if (clearAt < raiseAt || (clearAt > raiseAt && !isHighBad)) return;
  const why = clearAt === raiseAt ? 'needs a gap' : 'is the wrong way round';
  findings.error(
    `${at}/clearAt`,
    `the hysteresis ${why}: clearAt (${clearAt}) must be below raiseAt (${raiseAt})`,
  );
}

function checkMisses(
  findings: Findings,
  at: string,
  { missed, outOf }: { missed: number; outOf: number },
): void {
  if (missed <= outOf) return;
  findings.error(`${at}/missed`, `${missed} rounds cannot be missed out of ${outOf}`);
}

function checkSelector(findings: Findings, at: string, { where }: RuleChange): void {
  if (where === undefined) return;
  const { config } = findings;
  const sites = new Set(config.sites.map((site) => site.id));
  for (const [n, site] of (where.sites ?? []).entries()) {
    findings.isUnknown(`${at}/where/sites/${n}`, 'site', site, sites);
  }
  const known = new Set([
    ...config.sites.map(({ id }) => `site:${id}`),
    ...config.devices.map(({ id }) => `device:${id}`),
    ...config.links.map(({ id }) => `link:${id}`),
    ...config.agents.map(({ id }) => `agent:${id}`),
  ]);
  for (const [n, subject] of (where.subjects ?? []).entries()) {
    // Interfaces are found by the agents; of them only the device can be checked here.
    const subjectOrDevice = subject.replace(/^interface:([^/]*)\/.*$/, 'device:$1');
    findings.isUnknown(`${at}/where/subjects/${n}`, 'subject', subjectOrDevice, known);
  }
}

function checkTiming(findings: Findings): void {
  const { lateAfter } = findings.config.timing;
  if (lateAfter !== undefined && parseDuration(lateAfter) < 10_000) {
    findings.error('/timing/lateAfter', 'expected 10s or more: a slow agent is not a late one');
  }
}
