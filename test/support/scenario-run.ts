import type { Command } from '../../protocol/model/command.ts';
import { type Fact, isIncidentFact } from '../../protocol/model/fact.ts';
import type { Incident } from '../../protocol/model/incident.ts';
import type { Lane, Sample } from '../../protocol/model/sample.ts';
import type { SubjectKey } from '../../protocol/model/subject.ts';
import { epochMs } from '../../protocol/model/units.ts';
import { createEngine } from '../../rules/engine.ts';
import type { EngineSettings } from '../../rules/settings.ts';
import { createEchoTask, createSnmpTask, portsOf, STEP, type Task } from './scenario-agent.ts';
import { createWorld, type World } from './scenario-world.ts';

export const START = Date.UTC(2026, 0, 5, 9, 0, 0);

const HEARTBEAT = 5_000;
const FLUSH = 1_000;
/** From the engine's request to the agent's first echo: the long poll of its configuration. */
const CONFIRM_DELAY = 500;
/** Without a word from the collector for so long, what an agent measures goes into its backlog. */
const LIVE_WITHIN = 10_000;
/** The backlog is cut into pieces of so much time, and walks beside the live data (agent/ship). */
const PIECE = 5_000;
const BACKLOG_EVERY = 500;
/** Agents start and are heard before the story begins. */
const WARM_UP = 90_000;

/** One telling of a story. */
export interface Run {
  readonly world: World;
  readonly facts: readonly Fact[];
  /** Every input so far, as lines that `vedette replay` reads. */
  readonly recording: readonly string[];
  now(): number;
  until(at: number): void;
  order(command: Command): void;
  configure(settings: EngineSettings): void;
  boot(device: string): void;
  startServer(): void;
  /** Goes on with an engine made from the snapshot of this one, through JSON. */
  restart(): void;
  incidents(): Incident[];
  open(): Incident[];
  opened(): number;
}

/** Small and repeatable (mulberry32, public domain). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface SimulatedAgent {
  readonly id: string;
  readonly tasks: readonly Task[];
  readonly bySubject: ReadonlyMap<string, Task>;
  readonly phase: number;
  spool: Sample[];
  isUrgent: boolean;
  lastSent: number;
  backlog: { readonly at: number; readonly samples: Sample[] }[];
  backlogAt: number;
}

export function createRun(settings: EngineSettings, seed: number): Run {
  const { inventory } = settings;
  const random = createRandom(seed);
  const world = createWorld(inventory);
  let engine = createEngine(settings);
  const recording: string[] = [];
  const facts: Fact[] = [];
  const views = new Map<string, Incident>();
  const opened = new Set<string>();
  const confirms: { readonly at: number; readonly agent: string; readonly subject: string }[] = [];
  let clock = START - WARM_UP;
  let position = 0;
  const phaseIn = (period: number): number => Math.floor((random() * period) / STEP) * STEP;
  const agents = inventory.agents.map(({ id, site }) => createAgent(id, site));

  function createAgent(id: string, site: string): SimulatedAgent {
    const emit = (sample: Sample, isUrgent: boolean): void => {
      if (clock - agent.lastSent > LIVE_WITHIN) {
        keepForLater(agent, sample);
        return;
      }
      agent.spool.push(sample);
      if (isUrgent) agent.isUrgent = true;
    };
    const subjects = settings.watches.find((watch) => watch.agent === id)?.subjects ?? [];
    const bySubject = new Map<string, Task>();
    for (const subject of subjects as readonly SubjectKey[]) {
      const phase = START + phaseIn(5_000);
      bySubject.set(subject, createEchoTask({ world, random, emit, agent: id, subject, phase }));
    }
    const own = inventory.devices.filter((device) => device.site === site);
    const polls = own.map(({ id: device }) => {
      const ports = portsOf(inventory, device);
      const phase = START + phaseIn(30_000);
      return createSnmpTask({ world, emit, agent: id, device, ports, phase });
    });
    const agent: SimulatedAgent = {
      id,
      bySubject,
      tasks: [...bySubject.values(), ...polls],
      phase: phaseIn(HEARTBEAT),
      spool: [],
      isUrgent: false,
      lastSent: clock,
      backlog: [],
      backlogAt: 0,
    };
    return agent;
  }

  function keepForLater({ backlog }: SimulatedAgent, sample: Sample): void {
    const piece = backlog.at(-1);
    if (piece !== undefined && clock - piece.at < PIECE) piece.samples.push(sample);
    else backlog.push({ at: clock, samples: [sample] });
  }

  function take(told: readonly Fact[]): void {
    for (const fact of told) {
      facts.push(fact);
      if (fact.kind === 'confirm.requested') {
        confirms.push({ at: clock + CONFIRM_DELAY, agent: fact.agent, subject: fact.subject });
      }
      if (!isIncidentFact(fact)) continue;
      views.set(fact.incident, fact.view);
      if (fact.kind === 'incident.opened') opened.add(fact.incident);
    }
  }

  const record = (line: object): void => void recording.push(JSON.stringify(line));

  function order(command: Command): void {
    record({ at: clock, command });
    take(engine.apply(command, instant()));
  }

  function instant() {
    position += 1;
    return { now: epochMs(clock), position };
  }

  function deliver(agent: SimulatedAgent): void {
    if (!world.isHeard(agent.id)) return;
    deliverLive(agent);
    if (agent.backlog.length === 0 || clock - agent.backlogAt < BACKLOG_EVERY) return;
    agent.backlogAt = clock;
    send(agent, 'backfill', agent.backlog.shift()?.samples ?? []);
  }

  function deliverLive(agent: SimulatedAgent): void {
    const isDue = (clock - agent.phase) % FLUSH === 0 && agent.spool.length > 0;
    const isHeartbeat = clock - agent.lastSent >= HEARTBEAT;
    if (!isDue && !agent.isUrgent && !isHeartbeat) return;
    const samples = agent.spool;
    agent.spool = [];
    agent.isUrgent = false;
    agent.lastSent = clock;
    send(agent, 'live', samples);
  }

  function send(agent: SimulatedAgent, lane: Lane, samples: readonly Sample[]): void {
    const at = instant();
    if (samples.length === 0) record({ at: clock, heartbeat: agent.id });
    const late = lane === 'live' ? {} : { lane };
    for (const { series, at: taken, value } of samples) {
      const exact = typeof value === 'bigint' ? value.toString() : value;
      record({ at: taken, ...series, value: exact, receivedAt: clock, ...late });
    }
    take(engine.heard(agent.id, at));
    if (samples.length === 0) return;
    take(engine.observe({ agent: agent.id, lane, samples }, at));
  }

  function confirmDue(): void {
    while (confirms[0] !== undefined && confirms[0].at <= clock) {
      const { agent, subject } = confirms.shift() as (typeof confirms)[number];
      const asked = agents.find((one) => one.id === agent);
      if (asked !== undefined && world.isHeard(agent))
        asked.bySubject.get(subject)?.confirm?.(clock);
    }
  }

  function step(): void {
    clock += STEP;
    for (const agent of agents) for (const task of agent.tasks) task.step(clock);
    confirmDue();
    if (!world.collector.isRunning) return;
    for (const agent of agents) deliver(agent);
    if (clock % 1000 !== 0) return;
    record({ at: clock, tick: true });
    take(engine.tick(instant()));
  }

  const run: Run = {
    world,
    facts,
    now: () => clock,
    until(at) {
      while (clock < at) step();
    },
    order,
    configure(next) {
      take(engine.configure(next, instant()));
    },
    recording,
    restart() {
      engine = createEngine(settings, JSON.parse(JSON.stringify(engine.snapshot())));
    },
    boot(device) {
      const state = world.device(device);
      state.isDead = false;
      state.bootedAt = clock;
      state.cleared = clock;
    },
    startServer() {
      world.collector.isRunning = true;
      order({ kind: 'server-started' });
    },
    incidents: () => [...views.values()],
    open: () => [...views.values()].filter((v) => v.state === 'open' || v.state === 'acknowledged'),
    opened: () => opened.size,
  };
  return run;
}
