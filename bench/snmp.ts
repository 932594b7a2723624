import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { noOddities, walkColumns } from '../agent/adapters/snmp/column-walk.ts';
import { openSnmpSession, type SnmpSession } from '../agent/adapters/snmp/snmp-session.ts';
import type { Figure } from './figure.ts';
import { startSnmpd } from './support-snmpd.ts';

export const name = 'snmp';

const TABLE = '1.3.6.1.2.1.2.2.1';
/** The counters and states of ifTable. */
const COLUMNS = [7, 8, 10, 13, 14, 16, 19, 20].map((column) => `${TABLE}.${column}`);
/** Interfaces that the configuration of snmpd adds to those of the machine. */
const ROWS = 100;
const WALKS = 300;
const GETS = 4_000;
/** Repeats of each measurement; the median is the figure. */
const REPEATS = 5;

/**
 * CPU of the manager alone (this process, all threads) against a real snmpd on loopback. The reference is
 * the C library reading the same columns, the start of its program taken off.
 */
export async function run(): Promise<Figure[]> {
  const snmpd = await startSnmpd([
    'rocommunity public 127.0.0.1',
    ...COLUMNS.flatMap((column) =>
      Array.from(
        { length: ROWS },
        (_, i) => `override .${column}.${1001 + i} ${cellOf(column, i)}`,
      ),
    ),
  ]);
  const session = await openSnmpSession({
    address: '127.0.0.1',
    port: snmpd.port,
    timeout: 2_000,
    credential: { version: '2c', community: 'public' },
  });
  try {
    // Until the compiler has settled.
    await walks(session, WALKS, 60);
    await gets(session, GETS);
    const narrow: number[] = [];
    const wide: number[] = [];
    const tens: number[] = [];
    const reference: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      narrow.push(await cpuPer1000(() => walks(session, WALKS, 60)));
      reference.push(await snmpbulkwalk(snmpd.port));
      wide.push(await cpuPer1000(() => walks(session, WALKS, 200)));
      tens.push(await cpuPer1000(() => gets(session, GETS)));
    }
    const bulk = { reference: median(reference), referenceName: 'snmpbulkwalk', budget: 0.001 };
    const unit = 'CPU-s per 1,000 OIDs';
    return [
      { name: 'SNMP GETBULK, 8 columns, 60 cells a reply', figure: median(narrow), unit, ...bulk },
      { name: 'SNMP GETBULK, 8 columns × 25 rows', figure: median(wide), unit, ...bulk },
      { name: 'SNMP GET of 10', figure: median(tens), unit, budget: 0.0045 },
    ];
  } finally {
    session.close();
    await snmpd.remove();
  }
}

const cellOf = (column: string, i: number): string =>
  STATES.includes(column) ? 'integer 1' : `counter ${(i + 1) * 40_000_000}`;
const STATES = COLUMNS.slice(0, 2);

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** `work` returns the number of OIDs read. */
async function cpuPer1000(work: () => Promise<number>): Promise<number> {
  const before = process.cpuUsage();
  const oids = await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / (oids / 1000);
}

async function walks(session: SnmpSession, count: number, cells: number): Promise<number> {
  let read = 0;
  for (let i = 0; i < count; i++) {
    const columns = await walkColumns(COLUMNS, {
      session,
      size: { cells },
      oddities: noOddities(),
    });
    read += columns.reduce((sum, column) => sum + column.size, 0);
  }
  if (read < count * ROWS * COLUMNS.length) throw new Error(`only ${read} cells in ${count} walks`);
  return read;
}

async function gets(session: SnmpSession, count: number): Promise<number> {
  const [column] = await walkColumns([`${TABLE}.10`], {
    session,
    size: { cells: 60 },
    oddities: noOddities(),
  });
  const oids = [...(column?.values() ?? [])].slice(0, 10).map((varbind) => varbind.oid);
  let read = 0;
  for (let i = 0; i < count; i++) read += (await session.get(oids)).length;
  return read;
}

/** Reads the columns one after the other, less as many starts that read a single cell. */
async function snmpbulkwalk(port: number): Promise<number> {
  const walk = await programCpu(`snmpbulkwalk ${WAY} -Cr60 127.0.0.1:${port} $column`);
  const start = await programCpu(`snmpget ${WAY} 127.0.0.1:${port} $column.1001`);
  return (walk.cpu - start.cpu) / ((walk.lines - start.lines) / 1000);
}

const WAY = "-m '' -On -v2c -c public";
const PROGRAM_ROUNDS = 5;

/** bash tells the CPU time of its children to the millisecond. */
async function programCpu(command: string): Promise<{ cpu: number; lines: number }> {
  const columns = COLUMNS.join(' ');
  const loop = `for i in $(seq ${PROGRAM_ROUNDS}); do for column in ${columns}; do ${command}; done; done`;
  const script = `TIMEFORMAT='cpu %U %S'; time { ${loop}; } > >(wc -l); wait`;
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script]);
  const [, user = '', system = ''] = /cpu (\S+) (\S+)/.exec(stderr) ?? [];
  return { cpu: Number(user) + Number(system), lines: Number(stdout) };
}
