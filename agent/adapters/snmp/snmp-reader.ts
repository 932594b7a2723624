import type { EpochMs } from '../../../protocol/model/units.ts';
import type { SnmpCredential, SnmpTarget } from '../../../protocol/wire/agent-config.ts';
import type { SnmpAnswer, SnmpReader } from '../../ports/snmp.ts';
import { CELLS_PER_REPLY, noOddities, type Oddities } from './column-walk.ts';
import { readEnvironment } from './environment.ts';
import { newInterfaceHabits, readInterfaceTable } from './interface-table.ts';
import { failure, SnmpReadError } from './snmp-error.ts';
import { openSnmpSession, type SnmpSession } from './snmp-session.ts';
import { readSystem } from './system-group.ts';

/** What a reader tells besides its answers; `vedette probe` shows it. */
export interface ReaderHooks {
  /** Cells read so far of the table under way. */
  readonly onProgress?: (cells: number) => void;
  /** After each call, when something was odd in what the device sent. */
  readonly onOddities?: (oddities: Readonly<Oddities>) => void;
}

type Target = Pick<SnmpTarget, 'address' | 'port' | 'timeout'>;
type Task<T> = (session: SnmpSession, oddities: Oddities) => Promise<T>;

const CLOSED = failure('timed-out', 'the reader was closed');
const NO_TIME = failure('timed-out', 'not asked: the time allowed was over');

/**
 * Reads one device over one session. The session is dropped after every failure: the next call then
 * resolves the name, opens a socket and discovers the v3 engine anew, whatever went wrong before.
 */
export function createSnmpReader(
  target: Target,
  credential: SnmpCredential,
  hooks: ReaderHooks = {},
): SnmpReader {
  const habits = newInterfaceHabits();
  const tables = { cells: CELLS_PER_REPLY };
  let session: SnmpSession | undefined;
  let isClosed = false;
  let previous: Promise<unknown> = Promise.resolve();

  const drop = (): void => {
    session?.close();
    session = undefined;
  };

  async function openSession(isLate: () => boolean): Promise<SnmpSession> {
    if (session !== undefined) return session;
    const opened = await openSnmpSession({ ...target, credential });
    if (isLate() || isClosed) {
      opened.close();
      throw new SnmpReadError(CLOSED);
    }
    session = opened;
    return opened;
  }

  /** A device whose engine restarted with fewer boots, or was replaced, is asked once more from scratch. */
  async function inSync<T>(task: Task<T>, oddities: Oddities, isLate: () => boolean): Promise<T> {
    try {
      return await task(await openSession(isLate), oddities);
    } catch (cause) {
      if (!(cause instanceof SnmpReadError) || cause.objection !== 'out-of-sync' || isLate()) {
        throw cause;
      }
      drop();
      return task(await openSession(isLate), oddities);
    }
  }

  /** Never rejects, never outlives the deadline. */
  function attempt<T>(task: Task<T>, deadline: EpochMs): Promise<SnmpAnswer<T>> {
    return new Promise((resolve) => {
      const oddities = noOddities();
      let isOver = false;
      const finish = (answer: SnmpAnswer<T>): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        if (answer.kind === 'failed') drop();
        if (Object.values(oddities).some((count) => count > 0)) hooks.onOddities?.(oddities);
        resolve(answer);
      };
      const timer = setTimeout(
        () => finish({ kind: 'failed', failure: tooSlow(session) }),
        deadline - Date.now(),
      );
      inSync(task, oddities, () => isOver).then(
        (value) => finish({ kind: 'answered', value }),
        (cause: unknown) => finish({ kind: 'failed', failure: failureOf(cause) }),
      );
    });
  }

  function call<T>(task: Task<T>, deadline: EpochMs): Promise<SnmpAnswer<T>> {
    const next = previous.then((): SnmpAnswer<T> | Promise<SnmpAnswer<T>> => {
      if (isClosed) return { kind: 'failed', failure: CLOSED };
      if (deadline <= Date.now()) return { kind: 'failed', failure: NO_TIME };
      return attempt(task, deadline);
    });
    previous = next;
    return next;
  }

  return {
    system: (deadline) => call((opened) => readSystem(opened), deadline),
    interfaces: (withNames, deadline) =>
      call(
        (opened, oddities) =>
          readInterfaceTable(withNames, { ...hooks, session: opened, oddities, habits }),
        deadline,
      ),
    environment: (deadline) =>
      call(
        (opened, oddities) =>
          readEnvironment({ ...hooks, session: opened, oddities, size: tables }),
        deadline,
      ),
    close() {
      isClosed = true;
      session?.cancel(new SnmpReadError(CLOSED));
      drop();
    },
  };
}

const tooSlow = (session: SnmpSession | undefined) =>
  session?.hasAnswered() === true
    ? failure('timed-out', 'the device answers, but too slowly to be read in the time allowed')
    : failure('timed-out', 'no answer in the time allowed: check the address and the credential');

function failureOf(cause: unknown) {
  if (cause instanceof SnmpReadError) return cause.failure;
  return failure('malformed', `unusable answer: ${cause instanceof Error ? cause.message : cause}`);
}
