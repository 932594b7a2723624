import type { Command } from '../protocol/model/command.ts';
import type { Fact } from '../protocol/model/fact.ts';
import type { AgentId } from '../protocol/model/subject.ts';
import { type DurationMs, type EpochMs, seconds } from '../protocol/model/units.ts';
import type { BatchAck, Dictionary, Heartbeat } from '../protocol/wire/batch.ts';
import { type Problem, problem } from '../protocol/wire/problem.ts';
import type { EngineSettings } from '../rules/settings.ts';
import { takeBatch, takeDictionary, takeHeartbeat } from './pipeline/admission.ts';
import type { BatchColumns } from './pipeline/batch-columns.ts';
import { createRecordClock } from './pipeline/clock.ts';
import { type Effect, hashOf, optional } from './pipeline/core.ts';
import type { MayReport } from './pipeline/dictionary.ts';
import { createDurableLanes } from './pipeline/durable-lanes.ts';
import { type RestoreDeps, type Restored, restore } from './pipeline/restore.ts';
import { createSnapshotter, type SnapshotterOptions } from './pipeline/snapshotter.ts';
import { createTicker } from './pipeline/ticker.ts';
import { type Appended, createWriter } from './pipeline/writer.ts';
import type { InputKind, InputRecord } from './ports/input-log.ts';
import type { CommandOutcome } from './ports/show.ts';

export interface PipelineOptions {
  readonly settings: EngineSettings;
  /** Inputs and bytes taken and not yet judged; above this the collector says busy. */
  readonly maxInputs?: number;
  readonly maxBytes?: number;
  readonly snapshot?: SnapshotterOptions;
  /** The machine's clocks; tests bring their own. */
  readonly wall?: () => number;
  readonly monotonic?: () => number;
}

export type Outcome<T> =
  | { readonly kind: 'accepted'; readonly value: T }
  | { readonly kind: 'refused'; readonly problem: Problem; readonly retryAfter?: DurationMs };

/** What came with a request besides its body. */
export interface Sent {
  readonly agent: AgentId;
  /** Exactly the bytes that came (decompressed): they go into the log. */
  readonly body: Buffer;
  /** When its first byte came, by our clock, and what the sender's clock said then. */
  readonly receivedAt: EpochMs;
  readonly sentAt?: EpochMs;
  readonly mayReport: MayReport;
}

export type Acknowledged = BatchAck['acknowledged'];

export interface PipelineState {
  /** Why intake is refused; undefined while all is well. */
  readonly stalledBy: string | undefined;
  readonly isDraining: boolean;
  /** Newest input that is judged and committed, and how many wait for it. */
  readonly applied: number;
  readonly waiting: number;
  readonly engineFailures: number;
  /** Our clock ahead of the machine's (it was set back), ms. */
  readonly clockAhead: number;
}

/** Every input of the engine goes through here: one writer, strictly in the order of the log. */
export interface Pipeline {
  batch(sent: Sent, batch: BatchColumns, oldest?: number): Promise<Outcome<Acknowledged>>;
  heartbeat(sent: Sent, heartbeat: Heartbeat): Promise<Outcome<undefined>>;
  dictionary(sent: Sent, dictionary: Dictionary): Promise<Outcome<undefined>>;
  command(command: Command): Promise<CommandOutcome>;
  /** Resolves when the settings are durable and in force. @throws when they cannot be logged. */
  configure(settings: EngineSettings): Promise<void>;
  state(): PipelineState;
  now(): EpochMs;
  /** Refuses new inputs, finishes those that came, takes a last snapshot. */
  stop(): Promise<void>;
  /** Ends the clocks at once and leaves everything else as it is: what is durable stays. */
  abandon(): void;
}

const BUSY = seconds(1);
const STALLED = seconds(5);
const RETRY_EVERY_MS = 1000;
/** Without ticks for so long the whole process was away (suspended): silence then means nothing. */
const AWAY = seconds(5);

/** Restores what was, replays the rest, and starts to tick. */
export async function startPipeline(
  deps: RestoreDeps,
  options: PipelineOptions,
): Promise<{ pipeline: Pipeline; restored: Restored }> {
  const restored = await restore(deps);
  const { core } = restored;
  const { maxInputs = 512, maxBytes = 64 * 1024 * 1024 } = options;
  const clock = createRecordClock(
    options.wall ?? Date.now,
    options.monotonic ?? performance.now.bind(performance),
    restored.now,
  );
  const lanes = createDurableLanes(core.senders.spools());
  const snapshotter = createSnapshotter(
    { ...deps, hold: () => writer.hold(), worked: () => writer.worked() },
    core,
    restored,
    clock.now(),
    options.snapshot,
  );
  let isDraining = false;
  let retry: NodeJS.Timeout | undefined;
  /** Settles when everything that was appended so far is durable or refused. */
  let newest: Promise<unknown> = Promise.resolve();

  const writer = createWriter(
    {
      core,
      log: deps.log,
      store: deps.store,
      logger: deps.logger,
      alongside: deps.alongside,
      committed: deps.committed,
      idle: () => snapshotter.idle(writer.applied(), clock.now()),
      stalled: () => {
        snapshotter.open();
        retry ??= setTimeout(recover, RETRY_EVERY_MS);
      },
    },
    restored.position,
  );
  const ticker = createTicker({ clock, away: AWAY, tick, wasAway: forgive });

  function recover(): void {
    retry = undefined;
    if (!writer.recover()) {
      retry ??= setTimeout(recover, RETRY_EVERY_MS);
      return;
    }
    // The time nobody could write says nothing about agents; this also tries the log.
    forgive();
  }

  function tick(now: EpochMs): void {
    if (writer.stalledBy() === undefined) write('tick', '', {}, { kind: 'tick' }, now);
  }

  function forgive(now: EpochMs = clock.now()): Appended {
    const command: Command = { kind: 'server-started' };
    return write('command', 'server', command, { kind: 'command', command }, now);
  }

  /** An input of our own making: nothing of the log state to take back. */
  function write(kind: InputKind, from: string, value: object, effect: Effect, now: EpochMs) {
    const body = Buffer.from(JSON.stringify(value));
    return append({ now, kind, from, body }, effect, () => {});
  }

  function append(draft: Draft, effect: Effect, undo: () => void, durable?: () => void): Appended {
    const appended = writer.append(draft, effect, undo, durable);
    newest = appended.durable.catch(() => {});
    return appended;
  }

  /** Why nothing can be taken now; decided before anything is looked at. */
  function refusal(): { problem: Problem; retryAfter: DurationMs } | undefined {
    if (isDraining) {
      return { problem: problem('draining', 'The server is stopping.'), retryAfter: STALLED };
    }
    const stalledBy = writer.stalledBy();
    if (stalledBy !== undefined) {
      return {
        problem: problem('busy', `Nothing can be stored: ${stalledBy}`),
        retryAfter: STALLED,
      };
    }
    const { inputs, bytes } = writer.inFlight();
    if (inputs < maxInputs && bytes < maxBytes) return undefined;
    return { problem: problem('busy', `${inputs} inputs wait to be judged.`), retryAfter: BUSY };
  }

  /** Waits for a snapshot that is being taken, then says why not, or what time it is. */
  async function enter(): Promise<Extract<Outcome<never>, { kind: 'refused' }> | EpochMs> {
    await snapshotter.gate(writer.inFlight().inputs > 0);
    const no = refusal();
    return no === undefined ? ticker.advance() : { kind: 'refused', ...no };
  }

  async function settle<T>(appended: Appended, value: () => T): Promise<Outcome<T>> {
    try {
      await appended.durable;
      return { kind: 'accepted', value: value() };
    } catch (error) {
      const detail = `It could not be written: ${(error as Error).message}`;
      return { kind: 'refused', problem: problem('busy', detail), retryAfter: STALLED };
    }
  }

  async function batch(
    sent: Sent,
    body: BatchColumns,
    oldest?: number,
  ): Promise<Outcome<Acknowledged>> {
    const now = await enter();
    if (typeof now === 'object') return now;
    const { agent, mayReport } = sent;
    const sentAt = sentThen(sent, now);
    const extra = optional({ sentAt, oldest });
    const offered = { agent, batch: body, hash: hashOf(sent.body), now, ...extra };
    const taken = takeBatch(core.senders, offered, mayReport);
    if (taken.kind === 'refused') return taken;
    if (taken.kind === 'repeat') return repeat(agent, body);
    const { observed, interfaces, undo } = taken;
    const spool = core.senders.spool(agent, body.spool)!;
    const appended = append(
      { now, kind: 'batch', from: agent, ...extra, body: sent.body },
      { kind: 'batch', agent, observed, interfaces, ...optional({ sentAt }) },
      undo,
      () => lanes.durable(spool, body.lane, body.sequence),
    );
    return settle(appended, () => lanes.of(spool));
  }

  /** Taken before, perhaps not durable yet: the answer must not promise more than is. */
  async function repeat(agent: AgentId, body: BatchColumns): Promise<Outcome<Acknowledged>> {
    const spool = core.senders.spool(agent, body.spool)!;
    if (lanes.of(spool)[body.lane] < body.sequence) await newest;
    if (lanes.of(spool)[body.lane] < body.sequence) {
      const detail = 'The same batch could not be written.';
      return { kind: 'refused', problem: problem('busy', detail), retryAfter: BUSY };
    }
    return { kind: 'accepted', value: lanes.of(spool) };
  }

  async function heartbeat(sent: Sent, value: Heartbeat): Promise<Outcome<undefined>> {
    const now = await enter();
    if (typeof now === 'object') return now;
    const sentAt = sentThen(sent, now);
    const taken = takeHeartbeat(core.senders, sent.agent, now, sentAt);
    if ('problem' in taken) return { kind: 'refused', problem: taken.problem };
    const extra = optional({ sentAt });
    const draft: Draft = { now, kind: 'heartbeat', from: sent.agent, ...extra, body: sent.body };
    const effect: Effect = { kind: 'heartbeat', agent: sent.agent, heartbeat: value, ...extra };
    return settle(append(draft, effect, taken.undo), () => undefined);
  }

  async function dictionary(sent: Sent, value: Dictionary): Promise<Outcome<undefined>> {
    const now = await enter();
    if (typeof now === 'object') return now;
    const { agent, mayReport } = sent;
    const taken = takeDictionary(core.senders, agent, value, now, mayReport);
    if ('problem' in taken) return { kind: 'refused', problem: taken.problem };
    const draft: Draft = { now, kind: 'dictionary', from: agent, body: sent.body };
    return settle(append(draft, { kind: 'dictionary' }, taken.undo), () => undefined);
  }

  async function command(value: Command): Promise<CommandOutcome> {
    const now = await enter();
    if (typeof now === 'object') return { kind: 'busy', retryAfter: now.retryAfter ?? BUSY };
    const from = 'by' in value ? value.by.slice(0, 60) : 'server';
    const appended = write('command', from, value, { kind: 'command', command: value }, now);
    try {
      const facts: readonly Fact[] = await appended.applied;
      if (facts.length > 0) return { kind: 'applied' };
      return { kind: 'refused', why: 'The incident is not in a state that allows this.' };
    } catch {
      return { kind: 'busy', retryAfter: STALLED };
    }
  }

  async function configure(settings: EngineSettings): Promise<void> {
    if (JSON.stringify(settings) === JSON.stringify(core.settings)) return;
    await snapshotter.gate(writer.inFlight().inputs > 0);
    const now = ticker.advance();
    await write('config', 'server', settings, { kind: 'config', settings }, now).applied;
  }

  // First of all: the next tick must not take our absence for the agents' silence.
  await forgive().applied;
  await configure(options.settings);
  ticker.start();

  function abandon(): void {
    isDraining = true;
    ticker.stop();
    clearTimeout(retry);
  }

  const pipeline: Pipeline = {
    batch,
    heartbeat,
    dictionary,
    command,
    configure,
    now: clock.now,
    state: () => ({
      stalledBy: writer.stalledBy(),
      isDraining,
      applied: writer.applied(),
      waiting: writer.inFlight().inputs,
      engineFailures: writer.failures(),
      clockAhead: clock.ahead(),
    }),
    abandon,
    async stop() {
      abandon();
      if (writer.stalledBy() !== undefined) return;
      // A last tick: when it is applied, so is everything before it.
      await write('tick', '', {}, { kind: 'tick' }, clock.now()).applied;
      await snapshotter.stop(writer.applied(), clock.now());
    },
  };
  return { pipeline, restored };
}

type Draft = Omit<InputRecord, 'position'>;

/** The sender's clock at `now`: the request may have waited since its first byte came. */
const sentThen = ({ sentAt, receivedAt }: Sent, now: EpochMs): EpochMs | undefined =>
  sentAt === undefined ? undefined : ((sentAt + Math.max(0, now - receivedAt)) as EpochMs);
