import { fileURLToPath } from 'node:url';
import type { Command } from '../../protocol/model/command.ts';
import type { Fact, TrendFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { MaintenanceWindow, Service } from '../../protocol/model/inventory.ts';
import { seriesKey } from '../../protocol/model/sample.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { OwnTrouble, TicketView } from '../../protocol/wire/views.ts';
import type { RangeColumns, RangeQuery } from '../../server/ports/history.ts';
import type { CommandOutcome, DeliveryView } from '../../server/ports/show.ts';
import type { StoredFact } from '../../server/ports/store.ts';
import { createShow } from '../../server/show/show.ts';
import { createStatusModel, type StatusModel } from '../../server/show/status-model.ts';
import { type FakeIncident, incidentFact, openingFacts } from './fake-incidents.ts';
import { busyMorning, SERVICES, serviceFacts, trendsAt, windowsAt } from './fake-scenes.ts';
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
  readonly services?: readonly Service[];
  readonly maintenance?: readonly MaintenanceWindow[];
  readonly trends?: readonly TrendFact[];
  readonly own?: () => readonly OwnTrouble[];
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
  tell(facts: readonly Fact[]): void;
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
    inventory: { ...wan.inventory, services: options.services ?? [] },
    watches: wan.watches,
    maintenance: options.maintenance ?? [],
    own: options.own ?? (() => []),
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
    trends: {
      trends: ({ kind, subject, since, limit }) =>
        (options.trends ?? [])
          .filter((fact) => fact.kind === kind && fact.at >= since)
          .filter((fact) => subject === undefined || fact.subject === subject)
          .slice(0, limit),
    },
    maintenance: {
      list: () => (options.maintenance ?? []).map((one) => ({ ...one, source: 'configuration' })),
      add: async () => ({ kind: 'refused', why: 'a fake' }),
      end: async () => ({ kind: 'unknown' }),
    },
    samples: {
      find: ({ subject }) => ({
        series:
          subject?.startsWith('link:') === true
            ? (['stamp_loss_ratio', 'stamp_rtt_ms'] as const).map((metric) =>
                seriesKey(`${subject.slice(5).split('-')[0]}-a1`, metric, subject),
              )
            : [],
        hasMore: false,
      }),
      range: async (query) => rangeOf(wan, query),
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
    tell,
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
    const incident = 'incident' in command ? incidents.get(command.incident) : undefined;
    if (incident === undefined) return { kind: 'refused', why: 'unknown incident' };
    tell(answerTo(command, incident, now()));
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
      if ('incident' in fact) return fact.incident === id || ('into' in fact && fact.into === id);
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
    services: SERVICES,
    maintenance: windowsAt(time),
    trends: trendsAt(time),
  });
  show.tell(serviceFacts(time));
  await show.app.ready();
  return show;
}

/** Samples, or buckets with a hole of half an hour that has a name. */
function rangeOf(wan: FakeWan, { series, from, to, step }: RangeQuery): RangeColumns {
  const points = wan.range(series, from, to);
  if (step === undefined)
    return {
      form: 'raw',
      at: points.map((one) => one.at),
      value: points.map((one) => one.value),
      gaps: [],
    };
  const hole = { from: epochMs(to - 2 * 3_600_000), to: epochMs(to - 1.5 * 3_600_000) };
  const buckets = [...Map.groupBy(points, (one) => Math.floor(one.at / step) * step)]
    .filter(([at]) => at < hole.from || at >= hole.to)
    .map(([at, list]) => ({
      at: epochMs(at),
      values: list.map((one) => one.value).sort((a, b) => a - b),
    }));
  const each = (pick: (values: readonly number[]) => number) =>
    buckets.map(({ values }) => pick(values));
  return {
    form: 'buckets',
    step,
    at: buckets.map(({ at }) => at),
    value: each((values) => values.reduce((sum, one) => sum + one, 0) / values.length),
    count: each((values) => values.length),
    min: each((values) => values[0] ?? 0),
    max: each((values) => values.at(-1) ?? 0),
    p50: each((values) => values[Math.floor(values.length / 2)] ?? 0),
    p95: each((values) => values[Math.floor(values.length * 0.95)] ?? 0),
    gaps: to - from > 3 * 3_600_000 ? [{ ...hole, because: 'a damaged chunk was skipped' }] : [],
  };
}

/** What the engine would make of it, as far as the page can tell. */
function answerTo(command: Command, incident: Incident, at: EpochMs): Fact[] {
  const { acknowledged: _old, ...bare } = { ...incident, updatedAt: at };
  switch (command.kind) {
    case 'acknowledge': {
      const { by, note, until } = command;
      const acknowledged = { by, at, until, ...(note !== undefined && { note }) };
      return [
        incidentFact('incident.acknowledged', { ...bare, state: 'acknowledged', acknowledged }, at),
      ];
    }
    case 'unacknowledge':
      return [incidentFact('incident.unacknowledged', { ...bare, state: 'open' }, at)];
    case 'take-over':
      return [incidentFact('incident.updated', { ...bare, takenOver: { by: command.by, at } }, at)];
    case 'merge': {
      const view: Incident = { ...bare, state: 'closed', mergedInto: command.into };
      return [{ ...incidentFact('incident.merged', view, at), into: command.into } as Fact];
    }
    case 'close':
      return [incidentFact('incident.closed', { ...bare, state: 'closed' }, at)];
    default:
      return [];
  }
}
