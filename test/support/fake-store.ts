import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ReadSeries, readWriteRequest } from './write-request.ts';

export interface FakeStore {
  readonly url: string;
  readonly requests: readonly { headers: http.IncomingHttpHeaders; series: ReadSeries[] }[];
  /** Samples that were answered with 2xx, as `name{id}@time=value`, in the order they came. */
  readonly taken: readonly string[];
  close(): Promise<void>;
}

export type Answerer = (
  series: ReadSeries[],
  response: http.ServerResponse,
  /** From 1. */
  request: number,
) => void;

const textOf = ({ labels, samples }: ReadSeries): string[] => {
  const get = (wanted: string) => labels.find(([name]) => name === wanted)?.[1] ?? '';
  return samples.map(({ at, value }) => `${get('__name__')}{${get('id')}}@${at}=${value}`);
};

/** A receiver of remote write that answers as it is told; 204 when it is told nothing. */
export async function startFakeStore(answer?: Answerer): Promise<FakeStore> {
  const requests: { headers: http.IncomingHttpHeaders; series: ReadSeries[] }[] = [];
  const taken: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const series = readWriteRequest(Buffer.concat(chunks));
      requests.push({ headers: request.headers, series });
      response.statusCode = 204;
      response.on('finish', () => {
        if (response.statusCode < 300) taken.push(...series.flatMap(textOf));
      });
      if (answer === undefined) response.end();
      else answer(series, response, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    requests,
    taken,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
