import { afterAll, beforeAll, expect, test } from 'vitest';
import { cut, lose, narrow, plugLan, unplugLan } from '../../lab/netns/namespaces.ts';
import { until } from '../../lab/until.ts';
import type { IncidentView } from '../../protocol/wire/views.ts';
import { needs } from '../support/needs.ts';
import { type Branch, type NetnsLab, startNetnsLab } from '../support/netns-lab.ts';
import { expectSameIncidents } from '../support/same-incidents.ts';

/*
 * Real input: kernel namespaces, Debian's snmpd, nft, tbf and a TUN relay; real agents, server and
 * webhooks. Unrelated faults strike different branches at the same time, because that is what they do.
 */
needs(
  'netns',
  'tun',
  'nft',
  'snmpd',
)('in network namespaces, with real routers and circuits', () => {
  let lab: NetnsLab;
  const at = (id: string): Branch => {
    const branch = lab.branches.find((candidate) => candidate.id === id);
    if (!branch) throw new Error(`no branch ${id}`);
    return branch;
  };
  const of = (all: readonly IncidentView[], id: string): IncidentView[] =>
    all.filter((incident) => incident.site === id || incident.subject.includes(id));
  const summary = (all: readonly IncidentView[]): string =>
    all.map((i) => `${i.id} ${i.state} ${i.subject} ${i.root.cause} "${i.title}"`).join('\n');

  const opened = (id: string, cause: RegExp, withinMs: number): Promise<IncidentView> =>
    until(`an incident at ${id} with cause ${cause}`, withinMs, async () =>
      of(await lab.incidents(), id).find((incident) => cause.test(incident.root.cause)),
    );
  const ticketed = (incident: string, withinMs: number): Promise<unknown> =>
    until(`a ticket for ${incident}`, withinMs, () =>
      lab.sink.tickets().find((ticket) => ticket.id === incident),
    );
  const resolved = (incident: string, withinMs: number): Promise<unknown> =>
    until(`${incident} resolved, in the sink too`, withinMs, async () => {
      const now = (await lab.incidents()).find((candidate) => candidate.id === incident);
      const ticket = lab.sink.tickets().find((candidate) => candidate.id === incident);
      return now?.state === 'resolved' && ticket?.state === 'resolved' ? true : undefined;
    });

  beforeAll(async () => {
    lab = await startNetnsLab(['b1', 'b2', 'b3', 'b4', 'b5', 'b6'], ['b3']);
    await until('every agent is live and every circuit is up', 60_000, async () => {
      const status = await lab.status();
      const isLive = status.agents.every((agent) => agent.state === 'live');
      return (isLive && status.links.every((link) => link.health === 'up')) || undefined;
    });
  });

  afterAll(async () => {
    await lab?.close();
  });

  test('six things happen at once: four tickets with the right cause, none for the reboot and the renumbering', async () => {
    const mendLoss = lose(at('b1').wire, 20);
    const mendNarrow = narrow(at('b2').wire, '2mbit');
    const flood = at('b2').wire.hosts[0].start('node', [
      '-e',
      `const s=require('node:dgram').createSocket('udp4');const b=Buffer.alloc(1200);
       setInterval(()=>{for(let i=0;i<6;i++)s.send(b,9,'${at('b2').wire.addresses[1]}')},20)`,
    ]);
    at('b3').setDelay?.(40);
    await at('b4').snmpd.stop();
    // A restart with counters at zero, and a port that comes back with another ifIndex.
    await at('b5').snmpd.stop();
    unplugLan(at('b5').host, 'lan0');
    plugLan(at('b5').host, 'lan0');
    at('b5').snmpd.start();
    unplugLan(at('b6').host, 'lan0');
    plugLan(at('b6').host, 'pad0');
    plugLan(at('b6').host, 'lan0');

    const loss = await opened('b1', /packet loss/, 90_000);
    const latency = await opened('b3', /latency/, 150_000);
    const silent = await opened('b4', /SNMP/i, 90_000);
    const full = await opened('b2', /latency|congestion|loss/, 200_000);
    for (const { id } of [loss, latency, silent, full]) await ticketed(id, 20_000);

    mendLoss();
    mendNarrow();
    await at('b2').wire.hosts[0].end(flood);
    at('b3').setDelay?.(0);
    at('b4').snmpd.start();
    for (const { id } of [loss, latency, silent, full]) await resolved(id, 200_000);

    const all = await lab.incidents();
    expect(of(all, 'b5'), summary(all)).toEqual([]);
    expect(of(all, 'b6'), summary(all)).toEqual([]);
    expect(all, summary(all)).toHaveLength(4);
    expect(loss.disturbance).toBe('degradation');
    expect(lab.sink.rejected()).toEqual([]);
  }, 480_000);

  test('a cut circuit is one ticket with the circuit as root, a stopped agent is another thing', async () => {
    const before = (await lab.incidents()).length;
    // Not b1: its loss of a few minutes ago would be taken for the first sign of this, and reopened.
    const mend = cut(at('b6').wire);
    await lab.stopAgent('b5-agent');
    const circuit = await opened('b6', /circuit/, 30_000);
    expect(circuit.subject).toBe('link:b6-mpls');
    expect(circuit.disturbance).toBe('outage');
    const stopped = await opened('b5', /agent/, 60_000);
    expect(stopped.root.cause).toMatch(/agent stopped/);
    await ticketed(circuit.id, 30_000);
    // A minute of outage: symptoms must join, not open.
    await until('the agent behind the cut is a symptom', 60_000, async () =>
      (await lab.incidents())
        .find((incident) => incident.id === circuit.id)
        ?.symptoms.find((symptom) => symptom.subject === 'agent:b6-agent'),
    );
    mend();
    lab.startAgent('b5-agent');
    await resolved(circuit.id, 120_000);
    await until('the stopped agent is resolved', 120_000, async () =>
      (await lab.incidents()).find((i) => i.id === stopped.id && i.state === 'resolved'),
    );
    const all = await lab.incidents();
    expect(all.length - before, summary(all)).toBe(2);
  }, 300_000);

  test('the server is away for a minute: nothing opens, and nothing that was measured is lost', async () => {
    const before = (await lab.incidents()).length;
    await lab.stopServer();
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    await lab.startServer();
    await until('every agent is live again and its spool is empty', 90_000, async () => {
      const { agents } = await lab.status();
      return agents.every((a) => a.state === 'live' && (a.spoolSamples ?? 1) < 100) || undefined;
    });
    const status = await lab.status();
    expect(status.agents.map((agent) => agent.dropped ?? 0)).toEqual(status.agents.map(() => 0));
    const all = await lab.incidents();
    expect(all.length - before, summary(all)).toBe(0);
    // With the restart and the agents' backlogs in it.
    await expectSameIncidents(lab);
  }, 240_000);
});
