import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type EpochMs, epochMs } from '../../protocol/model/units.ts';
import type { StatusView } from '../../protocol/wire/views.ts';
import type { ShownStatus } from '../../server/ports/show.ts';
import { createStream, type Stream } from '../../server/show/stream.ts';

/** A reader whose socket can be made to stand still. */
class Reader extends EventEmitter {
  text = '';
  isBlocked = false;
  isGone = false;

  write(text: string): boolean {
    this.text += text;
    return !this.isBlocked;
  }
  end(): void {
    this.isGone = true;
  }
  destroy(): void {
    this.isGone = true;
    this.emit('close');
  }
  get messages(): { id: string; event: string; body: { n?: number; now: number } }[] {
    return [...this.text.matchAll(/^id: (.+)\nevent: (.+)\ndata: (.+)$/gm)].map((found) => ({
      id: found[1] ?? '',
      event: found[2] ?? '',
      body: JSON.parse(found[3] ?? '{}'),
    }));
  }
}

const as = (reader: Reader) => reader as unknown as ServerResponse;
let revision = 1;
let oldest = 0;
const status: ShownStatus = {
  revision: () => revision,
  view: (now) => ({ now, n: revision }) as unknown as StatusView,
  changeSince: (since, now) => ({
    revision,
    isEmpty: since === revision,
    change: since < oldest || since > revision ? undefined : ({ now, n: revision } as never),
  }),
};
const now = (): EpochMs => epochMs(Date.now());
let stream: Stream;

beforeEach(() => {
  vi.useFakeTimers();
  revision = 1;
  oldest = 0;
  stream = createStream({ status, now, maxClients: 2 });
});
afterEach(() => {
  stream.close();
  vi.useRealTimers();
});

describe('stream', () => {
  test('begins with a snapshot, then sends changes, at most two a second', () => {
    const reader = new Reader();
    stream.open(as(reader), undefined);
    expect(reader.messages.map((message) => message.event)).toEqual(['snapshot']);
    for (let n = 0; n < 30; n += 1) {
      revision += 1;
      vi.advanceTimersByTime(100);
    }
    expect(reader.messages.length).toBeGreaterThanOrEqual(6);
    expect(reader.messages.length).toBeLessThanOrEqual(7);
    expect(reader.messages.at(-1)?.event).toBe('change');
  });

  test('goes on after the id that the reader has', () => {
    const first = new Reader();
    stream.open(as(first), undefined);
    const id = first.messages[0]?.id;
    revision += 3;
    const again = new Reader();
    stream.open(as(again), id);
    expect(again.messages).toMatchObject([{ event: 'change', body: { n: 4 } }]);
  });

  test.each([
    ['of another life of the server', '00000000-1'],
    ['from the future', undefined],
    ['that is nonsense', 'x'.repeat(10_000)],
    ['that is not a number', '00000000-1e9'],
  ])('an id %s gets a snapshot', (_what, id) => {
    const reader = new Reader();
    stream.open(as(reader), id);
    expect(reader.messages.map((message) => message.event)).toEqual(['snapshot']);
  });

  test('an id that is too long ago gets a snapshot', () => {
    const first = new Reader();
    stream.open(as(first), undefined);
    revision = 50;
    oldest = 40;
    const again = new Reader();
    stream.open(as(again), first.messages[0]?.id);
    expect(again.messages.map((message) => message.event)).toEqual(['snapshot']);
  });

  test('says that it lives when nothing changes, and pings every 15 s', () => {
    const reader = new Reader();
    stream.open(as(reader), undefined);
    vi.advanceTimersByTime(31_000);
    const gaps = reader.messages.map((message) => message.body.now);
    expect(gaps.every((time, n) => n === 0 || time - (gaps[n - 1] ?? 0) <= 2_500)).toBe(true);
    expect(reader.text.match(/^: ping$/gm)).toHaveLength(2);
  });

  test('a slow reader costs no memory: what it missed comes in one message when it reads again', () => {
    const reader = new Reader();
    reader.isBlocked = true;
    stream.open(as(reader), undefined);
    const before = reader.text.length;
    for (let n = 0; n < 20; n += 1) {
      revision += 1;
      vi.advanceTimersByTime(500);
    }
    expect(reader.text.length).toBe(before);
    expect(stream.skipped).toBeGreaterThan(15);
    reader.isBlocked = false;
    reader.emit('drain');
    vi.advanceTimersByTime(500);
    expect(reader.messages.at(-1)).toMatchObject({ event: 'change', body: { n: 21 } });
    expect(reader.messages).toHaveLength(2);
  });

  test('a reader that takes nothing for half a minute is let go', () => {
    const reader = new Reader();
    reader.isBlocked = true;
    stream.open(as(reader), undefined);
    vi.advanceTimersByTime(31_000);
    expect(reader.isGone).toBe(true);
    expect(stream.clients).toBe(0);
  });

  test('readers are bounded, and a place becomes free when one leaves', () => {
    const [a, b, c] = [new Reader(), new Reader(), new Reader()];
    expect(stream.open(as(a), undefined)).toBe(true);
    expect(stream.open(as(b), undefined)).toBe(true);
    expect(stream.open(as(c), undefined)).toBe(false);
    expect(c.text).toBe('');
    a.emit('close');
    expect(stream.open(as(c), undefined)).toBe(true);
  });

  test('closing ends every reader and leaves no timer', () => {
    const reader = new Reader();
    stream.open(as(reader), undefined);
    stream.close();
    expect(reader.isGone).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
