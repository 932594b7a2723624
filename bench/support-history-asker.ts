import http from 'node:http';
import { cpuSecondsOf } from '../lab/prometheus.ts';

/**
 * Asks a server in a process of its own: the bench's own heap holds the samples of 20,000 series, and
 * its collections of garbage would be counted as the server's.
 */
export interface ToAsker {
  readonly urls: readonly string[];
  /** The first so many are not counted. */
  readonly warm: number;
  /** Of the server. */
  readonly pid: number;
}

export interface FromAsker {
  /** Milliseconds of each, those to warm up too. */
  readonly times: readonly number[];
  /** Without those of the first. */
  readonly bodies: readonly string[];
  /** CPU-seconds of the server for all but the first. */
  readonly cpu: number;
}

process.once('message', (message) => {
  ask(message as ToAsker).then(
    (answer) => void process.send?.(answer, () => process.disconnect?.()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function ask({ urls, warm, pid }: ToAsker): Promise<FromAsker> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  const bodies: Buffer[] = [];
  let cpuBefore = 0;
  for (const [n, url] of urls.entries()) {
    if (n === warm) cpuBefore = cpuSecondsOf(pid);
    const started = performance.now();
    const body = await get(url, agent);
    times.push(performance.now() - started);
    if (n >= warm) bodies.push(body);
  }
  const cpu = cpuSecondsOf(pid) - cpuBefore;
  agent.destroy();
  return { times, bodies: bodies.map(String), cpu };
}

const get = (url: string, agent: http.Agent): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => void parts.push(part));
      response.once('end', () => {
        const body = Buffer.concat(parts);
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${url}: ${response.statusCode} ${body.toString()}`));
      });
    });
    request.once('error', reject);
  });
