import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSecondsOf, type Prometheus, residentOf, startPrometheus } from '../lab/prometheus.ts';
import type { Series } from '../protocol/model/sample.ts';
import { type EpochMs, epochMs } from '../protocol/model/units.ts';
import { createEncoder } from '../server/adapters/remote-write/encode.ts';
import type { DataSeries, HistoryData } from './support-history-data.ts';
import {
  type Asked,
  askAll,
  type HistoryFigures,
  type Picked,
  settled,
} from './support-history-measure.ts';

/** Feeds Prometheus the samples by remote write, a request for each round, and measures it. */
export async function measurePrometheus(
  data: HistoryData,
  rounds: number,
  firstAt: number,
  picks: readonly Picked[],
): Promise<HistoryFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-prometheus-'));
  mkdirSync(join(folder, 'data'));
  const prometheus = await startPrometheus({ folder });
  const pid = prometheus.child.pid!;
  try {
    const idle = residentOf(pid).now;
    const cpuBefore = cpuSecondsOf(pid);
    await feed(prometheus, data, rounds, firstAt);
    await settled(pid);
    const cpu = cpuSecondsOf(pid) - cpuBefore;
    const resident = residentOf(pid);
    const samples = rounds * data.series.length;
    const disk = blocksOf(prometheus.data);
    return {
      samples,
      cpuPerMillion: (cpu / samples) * 1e6,
      bytesPerSample: disk.bytes / disk.samples,
      diskNote: `${disk.blocks} blocks with ${Math.round((100 * disk.samples) / samples)} % of the samples; head and WAL, ${megabytes(sizeOf(prometheus.data) - disk.bytes)} MB, left out`,
      residentPerSeries: (resident.now - idle) / data.series.length,
      residentPeak: resident.peak,
      asked: await queries(prometheus, picks),
    };
  } finally {
    await prometheus.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function feed(
  prometheus: Prometheus,
  data: HistoryData,
  rounds: number,
  firstAt: number,
): Promise<void> {
  const encode = createEncoder();
  const series = data.series.map(seriesOf);
  const headers = {
    'content-encoding': 'snappy',
    'content-type': 'application/x-protobuf',
    'x-prometheus-remote-write-version': '0.1.0',
  };
  for (let n = 0; n < rounds; n++) {
    const { offset, value } = data.next();
    const begin = firstAt + n * data.roundMs;
    const columns = series.map((one, i) => ({
      series: one,
      at: [epochMs(begin + offset[i]!)],
      value: [value[i]!],
    }));
    const body = encode(columns) as Uint8Array<ArrayBuffer>;
    const answer = await fetch(prometheus.writeUrl, { method: 'POST', headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Prometheus said ${answer.status}: ${text}`);
  }
}

const seriesOf = ({ metric, subject }: DataSeries): Series => ({
  metric,
  subject,
  agent: 'agent-0',
});

interface Blocks {
  readonly blocks: number;
  readonly bytes: number;
  readonly samples: number;
}

/** Its compacted blocks, chunks and index, by what their own description says they hold. */
function blocksOf(data: string): Blocks {
  let found: Blocks = { blocks: 0, bytes: 0, samples: 0 };
  for (const name of readdirSync(data)) {
    if (!/^[0-9A-Z]{26}$/.test(name)) continue;
    const text = readFileSync(join(data, name, 'meta.json'), 'utf8');
    const meta = JSON.parse(text) as { stats: { numSamples: number } };
    found = {
      blocks: found.blocks + 1,
      bytes: found.bytes + sizeOf(join(data, name)),
      samples: found.samples + meta.stats.numSamples,
    };
  }
  if (found.blocks === 0) throw new Error('Prometheus made no block');
  return found;
}

/** Bytes of all files under a folder. */
export const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

function queries({ url, child }: Prometheus, picks: readonly Picked[]): Promise<Asked> {
  const questions = picks.map(({ link, from, to, points }) => {
    const query = new URLSearchParams({
      query: `vedette_icmp_rtt_ms{id="${link}"}`,
      start: seconds(from),
      end: seconds(to),
      step: '30',
    });
    return {
      url: `${url}/api/v1/query_range?${query}`,
      check(text: string) {
        const { data } = JSON.parse(text) as {
          data: { result: readonly { values: readonly unknown[] }[] };
        };
        const got = data.result[0]?.values.length ?? 0;
        if (got < points - 1) throw new Error(`Prometheus gave ${got} points of ${points}`);
      },
    };
  });
  return askAll(child.pid!, questions);
}

const seconds = (at: EpochMs): string => (at / 1000).toFixed(3);
