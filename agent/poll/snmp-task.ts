import { idOf, type SubjectKey } from '../../protocol/model/subject.ts';
import { durationMs, type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { SnmpCredential, SnmpTarget } from '../../protocol/wire/agent-config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  Environment,
  InterfaceRow,
  SnmpAnswer,
  SnmpEngine,
  SnmpReader,
  SnmpSystem,
} from '../ports/snmp.ts';
import type { Names } from './names.ts';
import type { ProbeNotes } from './notes.ts';
import type { PollTask, Slot } from './poller.ts';
import type { SubmitReport } from './report.ts';
import { hashOf } from './schedule.ts';
import {
  identifyInterfaces,
  type KnownInterface,
  resolveInterfaces,
} from './snmp/interface-identity.ts';
import { hasRestarted, type SnmpPoll, snmpSamples } from './snmp/snmp-samples.ts';

/** What is remembered of a device's interfaces between runs of the agent. */
export interface InterfaceMemory {
  get(device: string): readonly KnownInterface[];
  set(device: string, known: readonly KnownInterface[]): void;
}

export interface SnmpTaskDeps {
  readonly engine: SnmpEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly names: Names;
  readonly notes: ProbeNotes;
  readonly memory: InterfaceMemory;
  readonly submit: SubmitReport;
  /** Polls the target once more, at that time of the clock's `elapsed`. */
  readonly pollAgain: (target: string, at: number) => void;
}

/** After a poll without any answer the next ones come so soon, ms, and so often; then the schedule goes on. */
const AGAIN_AFTER = 10_000;
const AGAIN_AT_MOST = 3;
/** Devices that fall silent together are not asked again together, ms. */
const AGAIN_SPREAD = 2_000;
/** From the end of a poll without answer to the next one at least, ms. */
const AGAIN_PAUSE = 1_000;

interface Open {
  readonly reader: SnmpReader;
  readonly address: string;
}

/** Polls one device: uptime and interfaces every time, names and environment every `slowEvery`. */
export function createSnmpTask(
  target: SnmpTarget,
  credential: SnmpCredential,
  deps: SnmpTaskDeps,
): PollTask {
  const { engine, clock, log, names, notes, memory, submit, pollAgain } = deps;
  const device = idOf(target.subject as SubjectKey);
  let open: Open | undefined;
  let before: SnmpSystem | undefined;
  let slowAt = Number.NEGATIVE_INFINITY;
  let failure: string | undefined;
  let isClosed = false;
  let unanswered = 0;

  /** A device whose name got another address gets another session. */
  function readerFor(address: string): SnmpReader {
    if (open?.address === address) return open.reader;
    open?.reader.close();
    open = { address, reader: engine.open({ ...target, address }, credential) };
    return open.reader;
  }

  function sayFailure(text: string | undefined): void {
    if (text === failure) return;
    failure = text;
    if (text === undefined) log.info({ target: target.id }, 'the device answers SNMP again');
    else log.warn({ target: target.id, reason: text }, 'the device does not answer SNMP');
  }

  /** One lost poll says little; the next one of the schedule may be a minute away. */
  function askAgain(begunAt: number, answered: boolean): void {
    unanswered = answered ? 0 : unanswered + 1;
    if (unanswered === 0 || unanswered > AGAIN_AT_MOST) return;
    const after = AGAIN_AFTER + (hashOf(target.id) % AGAIN_SPREAD) - AGAIN_SPREAD / 2;
    pollAgain(target.id, Math.max(begunAt + after, clock.elapsed() + AGAIN_PAUSE));
  }

  async function interfacesOf(
    reader: SnmpReader,
    isSlow: boolean,
    deadline: EpochMs,
  ): Promise<SnmpPoll['interfaces']> {
    const rows = valueIn(await reader.interfaces(isSlow, deadline));
    if (rows === undefined) return undefined;
    if (isSlow) return identified(rows);
    const { ids, needsNames } = resolveInterfaces(memory.get(device), rows);
    if (!needsNames) return { rows, ids, withNames: false };
    const named = valueIn(await reader.interfaces(true, deadline));
    return named === undefined ? { rows, ids, withNames: false } : identified(named);
  }

  function identified(rows: readonly InterfaceRow[]): SnmpPoll['interfaces'] {
    const { known, ids, changed } = identifyInterfaces(memory.get(device), rows);
    if (changed) memory.set(device, known);
    return { rows, ids, withNames: true };
  }

  async function poll(reader: SnmpReader, deadline: EpochMs): Promise<SnmpPoll> {
    const at = clock.now();
    const every = durationMs(target.every);
    const slowEvery = durationMs(target.slowEvery);
    const answer = await reader.system(deadline);
    if (answer.kind === 'failed') {
      sayFailure(answer.failure.text);
      return { at, answered: false, every };
    }
    sayFailure(undefined);
    const system = answer.value;
    // Interfaces may have been renumbered while the device was away.
    const isSlow = clock.elapsed() >= slowAt || hasRestarted(before, system);
    before = system;
    const interfaces = await interfacesOf(reader, isSlow, deadline);
    const environment: Environment | undefined = isSlow
      ? valueIn(await reader.environment(deadline))
      : undefined;
    // Half a period early is soon enough, late by a whole period is not.
    if (isSlow && interfaces?.withNames) {
      slowAt = clock.elapsed() + target.slowEvery - target.every / 2;
    }
    return {
      at: system.at,
      answered: true,
      system,
      every,
      slowEvery,
      ...(interfaces && { interfaces }),
      ...(environment && { environment }),
    };
  }

  return {
    id: target.id,
    every: target.every,
    maxRuns: 1,
    isBounded: true,
    async run({ deadline }: Slot) {
      const address = await names.resolve(target.address);
      if (address === undefined) {
        notes.set('snmp', target.id, `bad-address: ${target.address} does not resolve`);
        return;
      }
      notes.clear('snmp', target.id);
      const until = epochMs(clock.now() + Math.max(0, deadline - clock.elapsed()));
      const begunAt = clock.elapsed();
      const outcome = await poll(readerFor(address), until);
      if (isClosed) return;
      submit(snmpSamples(device, outcome));
      askAgain(begunAt, outcome.answered);
    },
    close() {
      isClosed = true;
      notes.clear('snmp', target.id);
      open?.reader.close();
    },
  };
}

const valueIn = <T>(answer: SnmpAnswer<T>): T | undefined =>
  answer.kind === 'answered' ? answer.value : undefined;
