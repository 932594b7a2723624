import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../lab/until.ts';
import type { TicketData } from '../../protocol/wire/ticket-payload.ts';
import type { IncidentView } from '../../protocol/wire/views.ts';
import { needs } from '../support/needs.ts';
import { type BranchesLab, startBranchesLab } from '../support/netns-branches.ts';
import { expectSameIncidents } from '../support/same-incidents.ts';

/*
 * Branches of a router that forwards and three devices with Debian's snmpd behind it: the circuit is
 * cut, and there must be one ticket with the circuit as its root, one resolution, and nothing else.
 * One test goes on where the one before it left off, and the last one has the whole log replayed.
 */
const SECOND = 1000;
/** No poll of the lab is further apart: what is to be seen of a cut has been seen. */
const ALL_SEEN = 40 * SECOND;

const PLANS = [
  { id: 'lyon', users: 30, providers: ['Labtel'] },
  { id: 'nice', users: 20, providers: ['Nordlink'], hasAgent: true },
  { id: 'metz', users: 40, providers: ['Iberdata', 'Alpen'] },
];

const hours = (n: number): string =>
  new Date(Date.now() + n * 3600 * SECOND).toISOString().replace(/\.\d+/, '');
const business = () => ({
  services: [
    {
      id: 'orders',
      name: 'Order entry',
      needs: 'site:lyon',
      users: 30,
      criticality: 'high',
      costPerHour: '120 EUR',
    },
    {
      id: 'parcels',
      name: 'Parcel desk',
      needs: 'site:nice',
      users: 20,
      criticality: 'medium',
      costPerHour: '45 EUR',
    },
    {
      id: 'tills',
      name: 'Tills',
      needs: { any: ['link:metz-iberdata', 'link:metz-alpen'] },
      users: 40,
      criticality: 'high',
      costPerHour: '300 EUR',
    },
  ],
  maintenance: [
    {
      id: 'new-switch',
      name: 'A new switch',
      subjects: ['device:metz-dev1'],
      from: hours(-1),
      until: hours(2),
    },
  ],
});

needs('netns', 'snmpd')('branches behind real routers, with three real devices each', () => {
  let lab: BranchesLab;
  /** Incidents that the tests before have accounted for. */
  let told = 0;

  const summary = (all: readonly IncidentView[]): string =>
    all
      .map((i) => `${i.id} ${i.state} P${i.priority} ${i.subject} ${i.root.cause} "${i.title}"`)
      .join('\n');
  const opened = (subject: string, withinMs: number): Promise<IncidentView> =>
    until(`an open incident of ${subject}`, withinMs, async () =>
      (await lab.incidents()).find((one) => one.subject === subject && one.state === 'open'),
    );
  const ticket = (incident: string, withinMs: number): Promise<TicketData> =>
    until(`a ticket for ${incident}`, withinMs, () =>
      messagesOf(incident).findLast((data) => data.services !== undefined || data.state === 'open'),
    );
  const messagesOf = (incident: string): readonly TicketData[] =>
    lab.sink.messages().flatMap(({ message: { data } }) => (data.id === incident ? [data] : []));
  const hasSymptoms = (incident: string, subjects: readonly string[]): Promise<unknown> =>
    until(`symptoms ${subjects.join(', ')}`, ALL_SEEN, async () => {
      const now = (await lab.incidents()).find((one) => one.id === incident);
      const seen = new Set(now?.symptoms.map((symptom) => symptom.subject));
      return subjects.every((subject) => seen.has(subject as never)) || undefined;
    });
  const resolved = (incident: string, withinMs: number): Promise<unknown> =>
    until(`${incident} resolved, in the sink too`, withinMs, async () => {
      const now = (await lab.incidents()).find((one) => one.id === incident);
      const told = lab.sink.tickets().find((one) => one.id === incident);
      return (now?.state === 'resolved' && told?.state === 'resolved') || undefined;
    });
  const service = async (id: string): Promise<string | undefined> =>
    (await lab.status()).services.find((one) => one.id === id)?.state;
  /** As many more incidents as were expected, and each with one ticket that was opened once. */
  const expectNothingElse = async (more: number): Promise<void> => {
    told += more;
    const all = await lab.incidents();
    expect(all.length, `${summary(all)}\n${lab.logs()}`).toBe(told);
    expect(lab.sink.tickets().map(({ reopened }) => reopened)).toEqual(all.map(() => 0));
    for (const { history } of lab.sink.tickets()) {
      expect(history.filter((type) => type === 'incident.resolved')).toHaveLength(1);
    }
    expect(lab.sink.rejected()).toEqual([]);
  };
  const well = (): Promise<unknown> =>
    until('every agent is live, every circuit up, every device well', 60 * SECOND, async () => {
      const { agents, links, sites } = await lab.status();
      const parts = [...links, ...sites.flatMap(({ devices }) => devices)];
      const unwell = [
        ...agents.flatMap(({ id, state }) => (state === 'live' ? [] : [`${id} ${state}`])),
        ...parts.flatMap(({ id, health, because }) =>
          health === 'up' ? [] : [`${id} ${health}: ${because}`],
        ),
      ];
      if (unwell.length > 0) throw new Error(unwell.join('; '));
      return true;
    });
  const devicesOf = (id: string): readonly string[] =>
    ['rtr', 'dev1', 'dev2', 'dev3'].map((name) => `device:${id}-${name}`);

  beforeAll(async () => {
    lab = await startBranchesLab(PLANS, business());
    await well();
  });

  afterAll(async () => {
    await lab?.close();
  });

  test('a branch is cut off: one ticket of its circuit that names what the business loses, one resolution', async () => {
    const mend = lab.branch('lyon').cut('Labtel');
    const circuit = await opened('link:lyon-labtel', 20 * SECOND);
    await hasSymptoms(circuit.id, devicesOf('lyon'));
    const told = await ticket(circuit.id, 15 * SECOND);
    expect(told.services).toMatchObject([
      { id: 'orders', name: 'Order entry', state: 'down', users: 30 },
    ]);
    expect(told).toMatchObject({ users: 30, costPerHour: { amount: 120, currency: 'EUR' } });
    expect(told.text).toMatch(/Order entry/);
    expect(told.cause).toMatch(/circuit/);
    await until(
      'SNMP is silent for long, too',
      ALL_SEEN,
      () => Date.now() > circuit.onsetAt + ALL_SEEN || undefined,
    );
    mend();
    await resolved(circuit.id, 40 * SECOND);
    await well();
    await expectNothingElse(1);
  }, 180_000);

  test('an agent inside falls silent with its circuit; elsewhere one circuit of two is a risk, both are an outage', async () => {
    const mendNice = lab.branch('nice').cut('Nordlink');
    const mendFirst = lab.branch('metz').cut('Iberdata');
    const plugIn = lab.branch('metz').unplug(1);
    const nice = await opened('link:nice-nordlink', 20 * SECOND);
    await hasSymptoms(nice.id, ['agent:nice-agent']);
    expect((await ticket(nice.id, 15 * SECOND)).services).toMatchObject([
      { id: 'parcels', state: 'down', users: 20 },
    ]);

    const first = await opened('link:metz-iberdata', 20 * SECOND);
    const risk = await ticket(first.id, 15 * SECOND);
    expect(await service('tills')).toBe('at-risk');
    expect(risk.costPerHour?.amount ?? 0).toBe(0);
    await until(
      'one circuit has been gone for long',
      ALL_SEEN,
      () => Date.now() > first.onsetAt + ALL_SEEN || undefined,
    );
    plugIn();
    const mendSecond = lab.branch('metz').cut('Alpen');
    const second = await opened('link:metz-alpen', 30 * SECOND);
    const down = await ticket(second.id, 15 * SECOND);
    expect(await service('tills')).toBe('down');
    expect(down.services).toMatchObject([{ id: 'tills', state: 'down', users: 40 }]);
    expect(down.costPerHour).toEqual({ amount: 300, currency: 'EUR' });
    expect([first.priority, down.priority]).toEqual([3, 1]);

    mendNice();
    mendFirst();
    mendSecond();
    for (const { id } of [nice, first, second]) await resolved(id, 60 * SECOND);
    await well();
    await expectNothingElse(3);
  }, 240_000);

  test('the log of it all, recorded and replayed, tells of the same incidents', async () => {
    await expectSameIncidents(lab);
  }, 60_000);
});
