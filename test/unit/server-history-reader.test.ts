import { afterEach, expect, test } from 'vitest';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { createRangeReader, type RangeReader } from '../../server/history/range-reader.ts';
import { startReaderThread } from '../../server/history/reader-thread.ts';
import type { HistoryStore, RangeColumns } from '../../server/ports/history.ts';
import {
  AGENT,
  DAY,
  type HistoryRig,
  HOUR,
  keyOf,
  sample,
  seriesOf,
  startHistoryRig,
  T0,
} from '../support/history-rig.ts';

const rigs: HistoryRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

const said: string[] = [];
const say = (_: object, sentence: string) => void said.push(sentence);
const log = { info: say, warn: say, error: say };

function start(reader: (path: string, store: HistoryStore) => RangeReader): HistoryRig {
  const rig = startHistoryRig({ reader });
  rigs.push(rig);
  return rig;
}

/** Every question goes to the thread and to a reader here; what they say must be the same. */
function both(path: string, store: HistoryStore): RangeReader & { answers: number } {
  const here = createRangeReader(store);
  const thread = startReaderThread({ path }, here, log);
  const reader = {
    answers: 0,
    async range(job: Parameters<RangeReader['range']>[0]) {
      const answer = await thread.range(job);
      expect(answer).toEqual(await here.range(job));
      reader.answers += 1;
      return answer;
    },
    stop: thread.stop,
  };
  return reader;
}

const RTT = seriesOf('icmp_rtt_ms');
const LOSS = seriesOf('icmp_loss_ratio');
const PORT = 'interface:r1/ge-0/1';
const OCTETS = seriesOf('if_in_octets_total', PORT);
const SPEED = seriesOf('if_speed_bps', PORT);
const UPTIME = seriesOf('device_uptime_ticks', 'device:r1');

/** A day and a half sealed, the last hour in memory. */
async function fill(rig: HistoryRig): Promise<void> {
  const rounds = (1.5 * DAY) / 30_000;
  for (let n = 0; n < rounds; n++) {
    const at = T0 + n * 30_000;
    if (n === rounds - 120) await rig.history.sealAll();
    rig.feed([
      sample(RTT, at, 20 + (n % 7)),
      ...(n % 5 ? [sample(LOSS, at, n % 3 ? 0 : 0.2)] : []),
      sample(OCTETS, at + 3, BigInt(n) * 1_000_000n),
      sample(SPEED, at + 3, 1e9),
      // The device begins anew once.
      sample(UPTIME, at + 3, (n > 2000 ? n - 2000 : n + 50_000) * 3000),
    ]);
  }
  rig.feed([sample(RTT, T0 + HOUR, 500)], 'backfill');
  await rig.history.keep();
}

test('the thread says what a reader here says, of every form, sealed or not', async () => {
  let reader: ReturnType<typeof both> | undefined;
  const rig = start((path, store) => {
    reader = both(path, store);
    return reader;
  });
  await fill(rig);
  const end = T0 + 1.5 * DAY;
  const names = [
    keyOf(RTT),
    keyOf(LOSS),
    keyOf(OCTETS),
    `${AGENT}|if_in_utilisation_ratio|${PORT}`,
    `${AGENT}|path_mos|link:l1`,
    `${AGENT}|icmp_rtt_ms|link:none`,
  ] as const;
  const stretches: readonly [number, number][] = [
    [T0, end],
    [end - 2 * HOUR, end],
    [T0 - 3 * DAY, end],
    [T0 - 400 * DAY, end],
  ];
  const found = new Map<string, RangeColumns | undefined>();
  for (const series of names) {
    for (const [from, to] of stretches) {
      for (const step of [undefined, durationMs(HOUR)]) {
        const asked = { series, from: epochMs(from), to: epochMs(to), ...(step && { step }) };
        found.set(`${series} ${to - from} ${step}`, await rig.history.range(asked));
      }
    }
  }
  expect(reader?.answers).toBe(names.length * stretches.length * 2);
  // And there is something in them.
  const raw = (series: string) => found.get(`${series} ${1.5 * DAY} undefined`);
  expect(raw(names[0])?.at).toHaveLength(1.5 * 2880);
  expect(raw(names[0])?.value[120]).toBe(500);
  expect(raw(names[2])?.at).toHaveLength(1.5 * 2880 - 2);
  expect(raw(names[3])?.value[7]).toBeCloseTo((1e6 / 30) * (8 / 1e9));
  expect(raw(names[4])?.at.length).toBeGreaterThan(1000);
  expect(raw(names[5])).toBeUndefined();
  expect(found.get(`${names[0]} ${1.5 * DAY} ${HOUR}`)?.loss?.[0]).toBeCloseTo(0.067, 2);
  expect(said).toEqual([]);
});

test('a thread that cannot go on is told once, and ranges are read here', async () => {
  const rig = start((_, store) =>
    startReaderThread({ path: '/nowhere/history.db' }, createRangeReader(store), log),
  );
  rig.feed([sample(RTT, T0, 20)]);
  const ask = () =>
    rig.history.range({ series: keyOf(RTT), from: epochMs(T0), to: epochMs(T0 + HOUR) });
  const answers = await Promise.all([ask(), ask()]);
  answers.push(await ask());
  expect(answers.map((one) => one?.value)).toEqual([[20], [20], [20]]);
  expect(said).toEqual(['ranges are read by the event loop now']);
});
