import { fileURLToPath } from 'node:url';
import type { Command } from '../../protocol/model/command.ts';
import type { Fact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { TicketView } from '../../protocol/wire/views.ts';
import type { CommandOutcome, DeliveryView } from '../../server/ports/show.ts';
import type { StoredFact } from '../../server/ports/store.ts';
import { createShow } from '../../server/show/show.ts';
import { createStatusModel, type StatusModel } from '../../server/show/status-model.ts';
import { type FakeIncident, incidentFact, openingFacts } from './fake-incidents.ts';
import { busyMorning } from './fake-scenes.ts';
import { createFakeWan, type FakeWan } from './fake-wan.ts';

export interface FakeShowOptions {
  readonly sites?: number;
  readonly incidents?: readonly FakeIncident[];
  readonly pageRoot?: string;
  readonly maxStreams?: number;
  /** Time between two rounds of heartbeats and figures, ms. */
  readonly every?: number;
  /** Agents that never answer. */
  readonly silent?: readonly string[];
}

export interface FakeShow {
  readonly app: Awaited<ReturnType<typeof createShow>>;
  readonly model: StatusModel;
  readonly wan: FakeWan;
  /** Every command that reached the "engine". */
  readonly commands: readonly Command[];
  /** What `command` answers next instead of obeying. */
  refuseWith(outcome: CommandOutcome | undefined): void;
  open(incident: FakeIncident): void;
  resolve(id: string): void;
  /** Binds to loopback; the address of the page. */
  listen(port?: number): Promise<string>;
  close(): Promise<void>;
}

const BUILT_PAGE = fileURLToPath(new URL('../../web/dist', import.meta.url));

/**
 * The people's side of the server on invented data: the real status model, API, stream and page;
 * only the engine, the database and the network behind them are made up.
 */
export async function createFakeShow(options: FakeShowOptions = {}): Promise<FakeShow> {
  const wan = createFakeWan(options.sites);
  const incidents = new Map<string, Incident>();
  const facts: StoredFact[] = [];
  const tickets = new Map<string, TicketView>();
  const commands: Command[] = [];
  const silent = new Set(options.silent ?? []);
  let refusal: CommandOutcome | undefined;
  const now = (): EpochMs => epochMs(Date.now());
  const model = createStatusModel({
    version: '0.1.0',
    inventory: wan.inventory,
    watches: wan.watches,
    latest: (series) => wan.latest(series, now()),
    tickets: ticketsOf,
  });

  settle();
  for (const incident of options.incidents ?? []) open(incident);
  const rounds = setInterval(round, options.every ?? 1_000);
  const app = await createShow({
    version: '0.1.0',
    status: model,
    incidents: { incidents: list, incident: (id) => incidents.get(id), factsOf },
    deliveries: { tickets: ticketsOf, deliveries },
    trends: { trends: () => [] },
    samples: {
      find: () => ({ series: [], hasMore: false }),
      async range({ series, from, to }) {
        const points = wan.range(series, from, to);
        const at = points.map((point) => point.at);
        return { form: 'raw', at, value: points.map((point) => point.value), gaps: [] };
      },
    },
    commands: { command: obey },
    readiness: () => [{ name: 'store', isReady: true, detail: 'open' }],
    figures: () => [
      { name: 'incidents_open', help: 'Open incidents', kind: 'gauge', value: incidents.size },
    ],
    now,
    acknowledgeFor: durationMs(4 * 3_600_000),
    hosts: [],
    pageRoot: options.pageRoot ?? BUILT_PAGE,
    ...(options.maxStreams !== undefined && { maxStreams: options.maxStreams }),
  });

  return {
    app,
    model,
    wan,
    commands,
    refuseWith(outcome) {
      refusal = outcome;
    },
    open,
    resolve,
    listen: (port = 0) => app.listen({ port, host: '127.0.0.1' }),
    async close() {
      clearInterval(rounds);
      await app.close();
    },
  };

  function tell(list: readonly Fact[]): void {
    for (const fact of list) {
      facts.push({ position: facts.length + 1, ordinal: 0, fact });
      if (fact.kind.startsWith('incident.') && 'view' in fact)
        incidents.set(fact.incident, fact.view);
    }
    model.apply(list, now());
  }

  /** Everything is up, and every interface has a name. */
  function settle(): void {
    const at = now();
    const { devices, links } = wan.inventory;
    const subjects = [
      ...devices.map((device) => `device:${device.id}` as const),
      ...links.map((link) => `link:${link.id}` as const),
    ];
    model.apply(
      subjects.map(
        (subject): Fact => ({
          kind: 'subject.changed',
          at,
          subject,
          health: 'up',
          because: 'answers',
        }),
      ),
      at,
    );
    for (const device of devices.filter((one) => one.id.endsWith('-r1'))) {
      const subject = (name: string) => `interface:${device.id}/${name}` as const;
      model.learned([
        { subject: subject('ge-0/0/0'), ifIndex: 1, name: 'ge-0/0/0', alias: 'to the provider' },
        { subject: subject('ge-0/0/1'), ifIndex: 2, name: 'ge-0/0/1', alias: 'LAN' },
      ]);
    }
    round();
  }

  function round(): void {
    const at = now();
    for (const agent of wan.inventory.agents) {
      if (silent.has(agent.id)) continue;
      model.heard(agent.id, {
        at,
        sentAt: epochMs(at - (agent.id === 'cork-a1' ? -2_400 : 8)),
        heartbeat: {
          v: 1,
          agent: agent.id,
          spool: '0123456789abcdef',
          version: '0.1.0',
          spoolSamples: agent.id === 'lyon-a1' ? 1_840 : 0,
          spoolBytes: 0,
          dropped: 0,
          lagMs: 3,
          engines: enginesOf(agent.id),
        },
      });
    }
  }

  function enginesOf(agent: string) {
    const icmp =
      agent === 'brno-a1'
        ? { probe: 'icmp', engine: 'ping', note: 'no permission for raw sockets: coarser figures' }
        : { probe: 'icmp', engine: 'socket' };
    return [icmp, { probe: 'stamp', engine: 'socket' }, { probe: 'snmp', engine: 'net-snmp' }];
  }

  function open(incident: FakeIncident): void {
    const trouble = { from: incident.openedAt - 20_000, to: Number.POSITIVE_INFINITY };
    const link = incident.subject.replace('link:', '');
    if (incident.metric === 'stamp_loss_ratio')
      wan.trouble(link, { ...trouble, loss: incident.limit >= 1 ? 1 : incident.observed });
    else wan.trouble(link, { ...trouble, addedMs: incident.observed - 14 });
    const isSent = Date.now() - incident.openedAt > 60_000;
    tickets.set(incident.id, {
      destination: 'service desk',
      state: isSent ? 'open' : 'waiting',
      ...(isSent && { number: `INC-${incident.id.slice(-5)}`, lastAnswer: '201 Created' }),
      attempts: isSent ? 1 : 0,
    });
    tell(openingFacts(incident));
  }

  function resolve(id: string): void {
    const incident = incidents.get(id);
    if (incident === undefined) return;
    const at = now();
    const view: Incident = { ...incident, state: 'resolved', resolvedAt: at, updatedAt: at };
    const ticket = tickets.get(id);
    if (ticket !== undefined) tickets.set(id, { ...ticket, state: 'resolved' });
    tell([
      {
        kind: 'subject.changed',
        at,
        subject: incident.subject,
        health: 'up',
        because: 'answers again',
      },
      {
        ...incidentFact('incident.resolved', view, at),
        because: [{ kind: 'cleared', text: 'normal for 2 min' }],
      } as Fact,
    ]);
  }

  async function obey(command: Command): Promise<CommandOutcome> {
    if (refusal !== undefined) return refusal;
    commands.push(command);
    if (command.kind === 'server-started') return { kind: 'applied' };
    const incident = incidents.get(command.incident);
    if (incident === undefined) return { kind: 'refused', why: 'unknown incident' };
    const at = now();
    const { acknowledged: _old, ...bare } = incident;
    if (command.kind === 'acknowledge') {
      const { by, note, until } = command;
      const acknowledged = { by, at, until, ...(note !== undefined && { note }) };
      const view: Incident = { ...bare, state: 'acknowledged', acknowledged, updatedAt: at };
      tell([incidentFact('incident.acknowledged', view, at)]);
    } else if (command.kind === 'unacknowledge')
      tell([incidentFact('incident.unacknowledged', { ...bare, state: 'open' }, at)]);
    else
      tell([incidentFact('incident.closed', { ...incident, state: 'closed', updatedAt: at }, at)]);
    return { kind: 'applied' };
  }

  function ticketsOf(id: string): readonly TicketView[] {
    const ticket = tickets.get(id);
    return ticket === undefined ? [] : [ticket];
  }

  function list(query: { state: 'open' | 'all'; limit: number; before?: EpochMs }) {
    return [...incidents.values()]
      .filter((one) => query.state === 'all' || ['open', 'acknowledged'].includes(one.state))
      .filter((one) => query.before === undefined || one.openedAt < query.before)
      .sort((a, b) => b.openedAt - a.openedAt)
      .slice(0, query.limit);
  }

  function factsOf(id: string): readonly StoredFact[] {
    const incident = incidents.get(id);
    return facts.filter(({ fact }) => {
      if ('incident' in fact) return fact.incident === id;
      if (fact.kind === 'alert.fired') return fact.alert.key === incident?.root.alert;
      if (fact.kind === 'alert.suppressed')
        return incident?.symptoms.some((symptom) => symptom.alert === fact.alert) ?? false;
      return false;
    });
  }

  function deliveries({ incident }: { incident?: string }): readonly DeliveryView[] {
    return [...incidents.values()]
      .filter((one) => incident === undefined || one.id === incident)
      .flatMap((one, index) => {
        const ticket = tickets.get(one.id);
        if (ticket === undefined || ticket.state === 'waiting') return [];
        const createdAt = one.openedAt;
        const row: DeliveryView = {
          id: index + 1,
          destination: ticket.destination,
          incident: one.id,
          type: 'incident.opened',
          messageId: `msg_${one.id}`,
          notBefore: epochMs(createdAt + 10_000),
          attempts: 1,
          state: 'delivered',
          lastAnswer: `201 Created, number ${ticket.number}`,
          createdAt,
          settledAt: epochMs(createdAt + 10_140),
        };
        return [row];
      });
  }
}

/** An ordinary bad morning: three incidents and a silent agent. */
export async function createBusyShow(options: FakeShowOptions = {}): Promise<FakeShow> {
  const time = Date.now();
  const show = await createFakeShow({
    ...options,
    silent: options.silent ?? ['cork-a1'],
    incidents: busyMorning(time),
  });
  await show.app.ready();
  return show;
}
