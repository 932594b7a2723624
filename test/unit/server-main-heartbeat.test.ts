import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { seconds } from '../../protocol/model/units.ts';
import { startDeadMan } from '../../server/dead-man.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a process that lives but judges nothing is missed by the outside watcher', async () => {
  let position = 1;
  let posts = 0;
  const said: string[] = [];
  const deadMan = startDeadMan({
    url: 'http://127.0.0.1:9/',
    every: seconds(10),
    progress: () => position,
    post: async () => {
      posts++;
      return { ok: posts !== 2, status: posts === 2 ? 500 : 200 };
    },
    log: { warn: (_fields, sentence) => void said.push(sentence) },
  });
  for (let n = 0; n < 3; n++) {
    position += 10;
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect(posts).toBe(4);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(posts).toBe(4);
  expect(said).toContain('the outside watcher refused our heartbeat');
  expect(said.at(-1)).toMatch('nothing was judged');
  deadMan.stop();
  position += 10;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(posts).toBe(4);
});
