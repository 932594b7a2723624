import type { InterfaceRow } from '../agent/ports/snmp.ts';
import type { IcmpResult, ProbeResult, SnmpResult } from './probe-measure.ts';

/** For people: figures, then a table of every interface. Ends with a newline. */
export function renderProbe(result: ProbeResult): string {
  const where = result.address === undefined || result.address === result.host;
  const lines = [
    where ? result.host : `${result.host} (${result.address})`,
    ...icmpLines(result.icmp),
    ...snmpLines(result.snmp, result.port),
  ];
  return `${lines.map(safe).join('\n')}\n`;
}

/** For programs: counters exact, as decimal strings. */
export const renderProbeJson = (result: ProbeResult): string =>
  `${JSON.stringify(result, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )}\n`;

/** Whatever a device calls itself, the terminal obeys only us. */
const safe = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');

const ms = (value: number | undefined): string =>
  value === undefined ? '-' : `${value.toFixed(value < 10 ? 3 : 1)} ms`;

function icmpLines(icmp: IcmpResult): string[] {
  if (icmp.kind === 'not-available') return [`ICMP: not available: ${icmp.text}`];
  const { figures } = icmp;
  const loss = `${Math.round(figures.lossRatio * 1000) / 10} % lost`;
  const lines = [`ICMP (${icmp.engine}): ${figures.answered} of ${figures.sent} answered, ${loss}`];
  if (icmp.unreachableFrom !== undefined) {
    lines.push(`  ${icmp.unreachableFrom} says: unreachable`);
  }
  if (figures.rtt !== undefined) {
    const { minMs, medianMs, p95Ms, maxMs } = figures.rtt;
    lines.push(
      `  round trip: min ${ms(minMs)}, median ${ms(medianMs)}, p95 ${ms(p95Ms)}, max ${ms(maxMs)}`,
      `  jitter (RFC 3550) ${ms(figures.jitterMs)}, IPDV (RFC 3393) ${ms(figures.ipdvMs)}`,
    );
  }
  if (icmp.note !== undefined) lines.push(`  note: ${icmp.note}`);
  return lines;
}

function snmpLines(snmp: SnmpResult, port: number): string[] {
  if (snmp.kind === 'not-asked') return [`SNMP: not asked: ${snmp.text}`];
  if (snmp.kind === 'failed') {
    return [`SNMP (port ${port}): ${snmp.failure.kind}: ${snmp.failure.text}`];
  }
  const { system, environment, interfacesFailure, oddities } = snmp;
  const odd = Object.entries(oddities).filter(([, count]) => count > 0);
  return [
    `SNMP (port ${port}): answered`,
    ...pairs([
      ['name', system.name],
      ['description', system.descr],
      ['object id', system.objectId],
      ['uptime', system.uptimeTicks === undefined ? undefined : uptime(system.uptimeTicks)],
      ['engine', engine(system.engineBoots, system.engineTimeS)],
      ['CPU', percent(environment.cpuRatio)],
      ['memory', percent(environment.memoryRatio)],
      ['temperature', environment.temperatureCelsius?.toFixed(1).concat(' °C')],
      ['oddities', odd.map(([what, count]) => `${ODDITIES[what] ?? what} ${count}`).join(', ')],
    ]),
    '',
    ...(interfacesFailure === undefined
      ? table(snmp.interfaces)
      : [`interfaces: ${interfacesFailure.kind}: ${interfacesFailure.text}`]),
  ];
}

const ODDITIES: Readonly<Record<string, string>> = {
  badCells: 'values of a wrong type',
  disorder: 'rows out of order',
  refusedColumns: 'columns refused',
};

const pairs = (all: readonly (readonly [string, string | undefined])[]): string[] =>
  all
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `  ${`${name}:`.padEnd(13)}${value}`);

const percent = (ratio: number | undefined): string | undefined =>
  ratio === undefined ? undefined : `${Math.round(ratio * 1000) / 10} %`;

function uptime(ticks: number): string {
  const seconds = Math.floor(ticks / 100);
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  return `${Math.floor(seconds / 86_400)} d ${clock.map(two).join(':')} (${ticks} ticks)`;
}

const engine = (boots: number | undefined, time: number | undefined): string | undefined =>
  boots === undefined ? undefined : `boots ${boots}, time ${time ?? '-'} s`;

interface TableColumn {
  readonly head: string;
  readonly right?: boolean;
  readonly cell: (row: InterfaceRow) => string | undefined;
}

const counter = (head: string, name: keyof InterfaceRow['counters']): TableColumn => ({
  head,
  right: true,
  cell: (row) => row.counters[name]?.value.toString(),
});

const upDown = (isUp: boolean | undefined): string | undefined =>
  isUp === undefined ? undefined : isUp ? 'up' : 'down';

const COLUMNS: readonly TableColumn[] = [
  { head: 'ifIndex', right: true, cell: (row) => String(row.ifIndex) },
  { head: 'name', cell: (row) => row.name },
  { head: 'descr', cell: (row) => row.descr },
  { head: 'alias', cell: (row) => row.alias },
  { head: 'MAC', cell: (row) => row.mac },
  { head: 'speed', right: true, cell: (row) => speed(row.speedBps) },
  { head: 'admin', cell: (row) => upDown(row.adminUp) },
  { head: 'oper', cell: (row) => upDown(row.operUp) },
  {
    head: 'bits',
    right: true,
    cell: ({ counters }) => (counters.inOctets ?? counters.outOctets)?.bits.toString(),
  },
  counter('in octets', 'inOctets'),
  counter('out octets', 'outOctets'),
  counter('in errors', 'inErrors'),
  counter('out errors', 'outErrors'),
  counter('in discards', 'inDiscards'),
  counter('out discards', 'outDiscards'),
];

/** 1 Gbit/s, 1.544 Mbit/s; 0 means that the device does not know. */
function speed(bps: number | undefined): string | undefined {
  if (bps === undefined || bps === 0) return undefined;
  for (const [factor, unit] of SPEEDS) if (bps >= factor) return `${bps / factor} ${unit}`;
  return `${bps} bit/s`;
}

const SPEEDS = [
  [1e9, 'Gbit/s'],
  [1e6, 'Mbit/s'],
  [1e3, 'kbit/s'],
] as const;

function table(rows: readonly InterfaceRow[]): string[] {
  const body = rows.map((row) => COLUMNS.map(({ cell }) => safe(cell(row) ?? '-')));
  const widths = COLUMNS.map(({ head }, i) =>
    body.reduce((widest, cells) => Math.max(widest, cells[i]?.length ?? 0), head.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, i) => {
        const width = widths[i] ?? 0;
        return COLUMNS[i]?.right === true ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(COLUMNS.map(({ head }) => head)), ...body.map(line)];
}
