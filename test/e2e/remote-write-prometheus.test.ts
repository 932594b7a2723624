import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Prometheus, startPrometheus } from '../../lab/prometheus.ts';
import type { Series } from '../../protocol/model/sample.ts';
import { durationMs, epochMs } from '../../protocol/model/units.ts';
import { createRemoteWriter } from '../../server/adapters/remote-write/remote-write.ts';
import { createForwarder } from '../../server/forward/forwarder.ts';
import { createOwnMetrics } from '../../server/show/metrics.ts';
import { needs } from '../support/needs.ts';

interface Matrix {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly values: readonly (readonly [number, string])[];
  }[];
}

needs('prometheus')('remote write into a real Prometheus', () => {
  let folder: string;
  let prometheus: Prometheus;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-prometheus-'));
    prometheus = await startPrometheus({ folder });
  });
  afterAll(async () => {
    await prometheus?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const raw = async (selector: string): Promise<Matrix> =>
    (await prometheus.api('query', { query: `${selector}[1h]` })) as Matrix;

  function startForwarding() {
    const writer = createRemoteWriter({ url: prometheus.writeUrl, version: 'test' });
    return createForwarder({
      targets: [{ id: 'prometheus', writer, every: durationMs(0) }],
      marks: { read: () => new Map(), write: async () => {} },
      log: { info: () => {}, warn: () => {} },
    });
  }
  const figure = (forwarder: ReturnType<typeof startForwarding>, name: string) =>
    [...forwarder.figures()]
      .filter((one) => one.name === `remote_write_${name}`)
      .reduce((sum, { value }) => sum + value, 0);

  test('the values come back by its API, each at its millisecond', async () => {
    const forwarder = startForwarding();
    const rtt: Series = { metric: 'icmp_rtt_ms', subject: 'link:lyon-mpls', agent: 'hub-a' };
    const octets: Series = {
      metric: 'if_in_octets_total',
      subject: 'interface:lyon-r1/Gi0/0',
      agent: 'lyon-a',
      bits: 64,
    };
    const start = Date.now() - 600_000;
    const sent = Array.from({ length: 20 }, (_, n) => ({
      at: epochMs(start + n * 30_000 + (n % 7)),
      rtt: Math.round(18_000 + 997 * Math.sin(n)) / 1000,
      octets: 9_007_199_254_740_000n + BigInt(n * 37),
    }));
    for (const [n, { at, ...value }] of sent.entries()) {
      forwarder.observed(
        {
          agent: 'hub-a',
          lane: 'live',
          samples: [
            { series: rtt, at, value: value.rtt },
            { series: octets, at, value: value.octets },
          ],
        },
        { now: at, position: n + 1 },
      );
    }
    await vi.waitFor(() => expect(figure(forwarder, 'samples_total')).toBe(40));
    const gauges = (await raw('vedette_icmp_rtt_ms')).result;
    expect(gauges).toHaveLength(1);
    expect(gauges[0]?.metric).toEqual({
      __name__: 'vedette_icmp_rtt_ms',
      agent: 'hub-a',
      id: 'lyon-mpls',
      kind: 'link',
    });
    expect(gauges[0]?.values.map(([at, value]) => [Math.round(at * 1000), Number(value)])).toEqual(
      sent.map(({ at, rtt: value }) => [at, value]),
    );
    const counters = (await raw('vedette_if_in_octets_total{device="lyon-r1"}')).result;
    expect(counters[0]?.values.map(([, value]) => BigInt(value))).toEqual(
      sent.map(({ octets: value }) => value),
    );
    await forwarder.stop();
  });

  test('what it refuses as out of order costs neither what comes with it nor what follows', async () => {
    const series = (id: string): Series => ({
      metric: 'icmp_loss_ratio',
      subject: `link:${id}`,
      agent: 'hub-a',
    });
    const now = Date.now() - 60_000;
    const send = (
      forwarder: ReturnType<typeof startForwarding>,
      position: number,
      at: number,
      ids: readonly string[],
    ) =>
      forwarder.observed(
        {
          agent: 'hub-a',
          lane: 'live',
          samples: ids.map((id) => ({
            series: series(id),
            at: epochMs(at),
            value: position / 100,
          })),
        },
        { now: epochMs(at), position },
      );
    const first = startForwarding();
    send(first, 1, now, ['a']);
    await vi.waitFor(() => expect(figure(first, 'samples_total')).toBe(1));
    await first.stop();
    // A process that begins anew does not know what the store has.
    const second = startForwarding();
    send(second, 2, now - 30_000, ['a', 'b', 'c', 'd']);
    send(second, 3, now + 10_000, ['a', 'b']);
    await vi.waitFor(() => expect(figure(second, 'samples_total')).toBe(5));
    expect(figure(second, 'dropped_samples_total')).toBe(1);
    const { result } = await raw('vedette_icmp_loss_ratio');
    const values = Object.fromEntries(
      result.map(({ metric, values: all }) => [metric['id'], all.map(([, value]) => value)]),
    );
    expect(values).toEqual({ a: ['0.01', '0.03'], b: ['0.02', '0.03'], c: ['0.02'], d: ['0.02'] });
    // The same once more is no new sample.
    send(second, 4, now + 10_000, ['a', 'b']);
    await second.stop();
    expect((await raw('vedette_icmp_loss_ratio{id="a"}')).result[0]?.values).toHaveLength(2);
  });
});

needs('prometheus')('/metrics under a real Prometheus', () => {
  test('is scraped as OpenMetrics, units and all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-scraped-'));
    const metrics = createOwnMetrics({
      version: '1.2.3',
      figures: () => [
        { name: 'samples_total', help: 'Taken', kind: 'counter', value: 41 },
        { name: 'clock_ahead_seconds', help: 'A', kind: 'gauge', unit: 'seconds', value: 0.5 },
      ],
    });
    const asked: (string | undefined)[] = [];
    const server = http.createServer((request, response) => {
      asked.push(request.headers.accept);
      void metrics.scrape(request.headers.accept).then(({ contentType, text }) => {
        response.setHeader('content-type', contentType).end(text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const scraper = await startPrometheus({ folder, scrape: `127.0.0.1:${port}` });
    try {
      const figure = async (query: string) =>
        ((await scraper.api('query', { query })) as Vector).result[0]?.value[1];
      await vi.waitFor(async () => expect(await figure('up')).toBe('1'), { timeout: 20_000 });
      expect(asked[0]).toContain('application/openmetrics-text');
      expect(await figure('vedette_samples_total')).toBe('41');
      expect(await figure('vedette_clock_ahead_seconds')).toBe('0.5');
      const known = await scraper.api('targets/metadata', {
        metric: 'vedette_clock_ahead_seconds',
      });
      expect(known).toMatchObject([{ type: 'gauge', unit: 'seconds' }]);
    } finally {
      await scraper.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

interface Vector {
  readonly result: readonly { readonly value: readonly [number, string] }[];
}
