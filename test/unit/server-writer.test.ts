import { performance } from 'node:perf_hooks';
import { afterEach, expect, test, vi } from 'vitest';
import { epochMs } from '../../protocol/model/units.ts';
import { createWriter } from '../../server/pipeline/writer.ts';
import type { InputRecord } from '../../server/ports/input-log.ts';

afterEach(() => void vi.restoreAllMocks());

test('many inputs that one write made durable are judged slice by slice, one in a turn', async () => {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  let turn = 0;
  let isOver = false;
  const count = () => {
    turn++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const judgedIn: number[] = [];
  const written = Promise.withResolvers<void>();
  let position = 0;
  const writer = createWriter(
    {
      core: {
        apply() {
          judgedIn.push(turn);
          clock += 4;
          return [];
        },
      } as never,
      log: {
        async append(draft: Omit<InputRecord, 'position'>) {
          position += 1;
          const record = { ...draft, position };
          await written.promise;
          return record;
        },
      } as never,
      store: {} as never,
      logger: { info() {}, warn() {}, error() {} },
      alongside() {},
      committed() {},
      idle() {},
      stalled() {},
    },
    0,
  );
  const inputs = Array.from({ length: 9 }, () => {
    const draft = { now: epochMs(1), kind: 'tick', from: '', body: Buffer.alloc(0) } as const;
    return writer.append(draft, { kind: 'tick' }, () => {});
  });
  written.resolve();
  await Promise.all(inputs.map(({ applied }) => applied));
  isOver = true;
  expect(judgedIn).toHaveLength(9);
  // 4 ms each: a slice of 5 ms begins a second one, never a third.
  const perTurn = Map.groupBy(judgedIn, (one) => one);
  expect(Math.max(...[...perTurn.values()].map((list) => list.length))).toBe(2);
  expect(writer.inFlight().inputs).toBe(0);
});
