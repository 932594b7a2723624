import { beforeEach, describe, expect, test } from 'vitest';
import { createNames } from '../../agent/poll/names.ts';
import { createProbeNotes } from '../../agent/poll/notes.ts';
import { createPoller } from '../../agent/poll/poller.ts';
import type { PollReport } from '../../agent/poll/report.ts';
import type { KnownInterface } from '../../agent/poll/snmp/interface-identity.ts';
import { createTargets } from '../../agent/poll/targets.ts';
import type { InterfaceRow, SnmpAnswer, SnmpEngine, SnmpSystem } from '../../agent/ports/snmp.ts';
import type { AgentConfig, SnmpTarget } from '../../protocol/wire/agent-config.ts';
import {
  createFakeClock,
  createFakeEchoEngine,
  createFakeLog,
  type FakeClock,
} from '../support/agent-fakes.ts';

const target: SnmpTarget = {
  id: 'r1-snmp',
  probe: 'snmp',
  subject: 'device:r1',
  address: 'r1.example',
  port: 161,
  credential: 'lan',
  every: 30_000,
  slowEvery: 300_000,
  timeout: 1000,
};
const config = (more: Partial<AgentConfig> = {}): AgentConfig => ({
  v: 1,
  revision: 'r',
  agent: 'a',
  site: 's',
  targets: [target],
  credentials: { lan: { version: '2c', community: 'public' } },
  confirm: [],
  ...more,
});

interface Device {
  uptimeTicks: number;
  isSilent: boolean;
  rows: InterfaceRow[];
}

describe('an SNMP target', () => {
  let clock: FakeClock;
  let device: Device;
  let reports: PollReport[];
  let opened: string[];
  let closed: number;
  let asked: string[];
  let addresses: Record<string, string | undefined>;

  beforeEach(() => {
    clock = createFakeClock();
    device = {
      uptimeTicks: 1000,
      isSilent: false,
      rows: [
        { ifIndex: 1, name: 'ge0', mac: '02:00:00:00:00:01', counters: {} },
        { ifIndex: 2, name: 'ge1', mac: '02:00:00:00:00:02', counters: {} },
      ],
    };
    reports = [];
    opened = [];
    closed = 0;
    asked = [];
    addresses = { 'r1.example': '192.0.2.1' };
  });

  function start() {
    const engine: SnmpEngine = {
      name: 'fake',
      close: () => undefined,
      open({ address }) {
        opened.push(address);
        const answer = async <T>(what: string, value: T): Promise<SnmpAnswer<T>> => {
          asked.push(what);
          if (!device.isSilent) return { kind: 'answered', value };
          return { kind: 'failed', failure: { kind: 'timed-out', text: 'no answer' } };
        };
        return {
          system: () =>
            answer<SnmpSystem>('system', { at: clock.now(), uptimeTicks: device.uptimeTicks }),
          interfaces: (withNames) =>
            answer(
              withNames ? 'names' : 'interfaces',
              device.rows.map((row) => ({ ...row, operUp: true })),
            ),
          environment: () => answer('environment', { cpuRatio: 0.5 }),
          close() {
            closed += 1;
          },
        };
      },
    };
    const log = createFakeLog();
    const poller = createPoller({ clock, log });
    const echo = createFakeEchoEngine(clock, () => 1);
    const notes = createProbeNotes();
    const known = new Map<string, readonly KnownInterface[]>();
    const targets = createTargets({
      poller,
      clock,
      log,
      notes,
      icmp: echo,
      stamp: echo,
      snmp: engine,
      names: createNames({ lookUp: async (name) => addresses[name], clock }),
      memory: { get: (id) => known.get(id) ?? [], set: (id, list) => known.set(id, list) },
      submit: (report) => reports.push(report),
    });
    return { targets, notes, log, known };
  }
  const subjects = (metric: string) =>
    reports
      .at(-1)
      ?.samples.filter((one) => one.metric === metric)
      .map((one) => one.subject);

  test('reads names and environment at first and every slow period, counters every time', async () => {
    start().targets.apply(config());
    await clock.advance(5 * 60_000);
    const names = asked.filter((what) => what === 'names').length;
    expect(asked.slice(0, 3)).toEqual(['system', 'names', 'environment']);
    expect(asked.filter((what) => what === 'system').length).toBeGreaterThanOrEqual(9);
    expect(names).toBeGreaterThanOrEqual(1);
    expect(names).toBeLessThanOrEqual(2);
    expect(asked.filter((what) => what === 'environment')).toHaveLength(names);
    expect(reports[0]?.interfaces).toHaveLength(2);
    expect(reports[1]?.interfaces ?? []).toEqual([]);
  });

  test('keeps interfaces apart when a restart has renumbered them', async () => {
    start().targets.apply(config());
    await clock.advance(60_000);
    expect(subjects('if_oper_up')).toEqual(['interface:r1/ge0', 'interface:r1/ge1']);
    device.uptimeTicks = 10;
    device.rows = device.rows.map((row) => ({ ...row, ifIndex: 3 - row.ifIndex }));
    asked = [];
    await clock.advance(30_000);
    expect(asked).toContain('names');
    const entries = reports.at(-1)?.interfaces ?? [];
    expect(new Map(entries.map((one) => [one.subject, one.ifIndex]))).toEqual(
      new Map([
        ['interface:r1/ge0', 2],
        ['interface:r1/ge1', 1],
      ]),
    );
  });

  test('reads names at once when a row has moved without a restart', async () => {
    start().targets.apply(config());
    await clock.advance(60_000);
    device.rows = device.rows.map((row) => ({ ...row, ifIndex: row.ifIndex + 10 }));
    asked = [];
    await clock.advance(30_000);
    expect(asked.slice(0, 3)).toEqual(['system', 'interfaces', 'names']);
    expect(subjects('if_oper_up')).toEqual(['interface:r1/ge0', 'interface:r1/ge1']);
  });

  test('silence is said as 0, with its reason once in the log, and is over with the next answer', async () => {
    const { targets, log } = start();
    targets.apply(config());
    await clock.advance(40_000);
    device.isSilent = true;
    await clock.advance(90_000);
    expect(reports.at(-1)?.samples.map((one) => [one.metric, one.value])).toEqual([
      ['snmp_answered', 0],
    ]);
    device.isSilent = false;
    await clock.advance(30_000);
    expect(reports.at(-1)?.samples.find((one) => one.metric === 'snmp_answered')?.value).toBe(1);
    const said = log.lines.map((line) => line.sentence).filter((text) => text.includes('SNMP'));
    expect(said).toEqual(['the device does not answer SNMP', 'the device answers SNMP again']);
  });

  test('after a poll without answer it is asked again every 10 s, three times, then by its schedule', async () => {
    const { targets } = start();
    targets.apply(config({ targets: [{ ...target, every: 300_000 }] }));
    await clock.advance(400_000);
    device.isSilent = true;
    const before = reports.length;
    await clock.advance(300_000);
    const misses = reports.slice(before).map((one) => one.samples[0]?.at as number);
    expect(misses).toHaveLength(4);
    for (const n of [1, 2, 3]) {
      const gap = (misses[n] as number) - (misses[n - 1] as number);
      expect(gap).toBeGreaterThanOrEqual(9_000);
      expect(gap).toBeLessThanOrEqual(11_000);
    }
    await clock.advance(300_000);
    expect(reports).toHaveLength(before + 5);
  });

  test('an answer to the second question ends the asking, and the schedule goes on undisturbed', async () => {
    const { targets } = start();
    targets.apply(config({ targets: [{ ...target, every: 300_000 }] }));
    await clock.advance(400_000);
    const due = reports.at(-1)?.samples[0]?.at as number;
    const before = reports.length;
    device.isSilent = true;
    await clock.advance(due + 301_000 - clock.now());
    device.isSilent = false;
    await clock.advance(298_000);
    const ats = reports.slice(before).map((one) => one.samples[0]?.at as number);
    expect(ats).toHaveLength(2);
    await clock.advance(3_000);
    expect(reports.at(-1)?.samples[0]?.at).toBe(due + 600_000);
  });

  test('a name that does not resolve is no silence: nothing is shipped, a note says why', async () => {
    addresses = {};
    const { targets, notes } = start();
    targets.apply(config());
    await clock.advance(60_000);
    expect(reports).toEqual([]);
    expect(notes.summary('snmp')).toContain('r1.example does not resolve');
  });

  test('a new address or credential opens a new session and closes the old one', async () => {
    const { targets } = start();
    targets.apply(config());
    await clock.advance(60_000);
    addresses = { 'r1.example': '192.0.2.2' };
    await clock.advance(6 * 60_000);
    expect(opened).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(closed).toBe(1);
    targets.apply(config({ credentials: { lan: { version: '2c', community: 'other' } } }));
    await clock.advance(10_000);
    expect(opened).toHaveLength(3);
    expect(closed).toBe(2);
  });

  test.each(['missing', 'constructor', 'toString'])(
    'a target whose credential "%s" was not sent is not polled, and a note says so',
    async (credential) => {
      const { targets, notes } = start();
      targets.apply(config({ targets: [{ ...target, credential }] }));
      await clock.advance(60_000);
      expect(opened).toEqual([]);
      expect(notes.summary('snmp')).toContain(credential);
      targets.apply(config({ targets: [] }));
      expect(notes.summary('snmp')).toBeUndefined();
    },
  );

  test('a confirmation asked for an SNMP target polls it now', async () => {
    const { targets } = start();
    targets.apply(config());
    await clock.advance(40_000);
    const before = reports.length;
    const until = clock.now() + 10_000;
    targets.apply(config({ confirm: [{ id: 'c1', target: 'r1-snmp', until }] }));
    await clock.advance(10);
    expect(reports).toHaveLength(before + 1);
  });
});
