import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { follow, freePort, type Program } from './programs.ts';

export interface Prometheus extends Program {
  readonly url: string;
  /** Where remote write goes. */
  readonly writeUrl: string;
  /** Folder of its blocks, its head and its log. */
  readonly data: string;
  /** One call of its API v1; the `data` of the answer. @throws when it says no */
  api(path: string, parameters: Record<string, string>): Promise<unknown>;
}

export interface PrometheusOptions {
  /** An empty folder that is ours. */
  readonly folder: string;
  /** Scraped every second at /metrics: host:port. */
  readonly scrape?: string;
  readonly extraFlags?: readonly string[];
}

/** Version of the installed Prometheus, or undefined where there is none. */
export function prometheusVersion(): string | undefined {
  try {
    const text = execFileSync('prometheus', ['--version'], { encoding: 'utf8', stdio: 'pipe' });
    return /version (\S+?)[+,]/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** Starts the machine's Prometheus on loopback, its receiver of remote write on. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { folder, scrape, extraFlags = [] } = options;
  const port = await freePort(29_390);
  const config = join(folder, 'prometheus.yml');
  const data = join(folder, 'data');
  const jobs = scrape
    ? [{ job_name: 'vedette', scrape_interval: '1s', static_configs: [{ targets: [scrape] }] }]
    : [];
  // JSON is YAML.
  writeFileSync(config, JSON.stringify({ scrape_configs: jobs }));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      ...extraFlags,
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const program = follow('prometheus', child);
  const url = `http://127.0.0.1:${port}`;
  await ready(program, url);
  return {
    ...program,
    url,
    writeUrl: `${url}/api/v1/write`,
    data,
    async api(path, parameters) {
      const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`Prometheus said ${answer.status}: ${text}`);
      return (JSON.parse(text) as { data: unknown }).data;
    },
  };
}

async function ready(program: Program, url: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (!program.isRunning()) throw new Error(`prometheus ended:\n${program.tail()}`);
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (Date.now() > deadline) {
      await program.end('SIGKILL');
      throw new Error(`prometheus is not ready:\n${program.tail()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** CPU-seconds of a process so far, all threads (Linux). */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process in bytes, and its peak so far (Linux). */
export function residentOf(pid: number): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0);
  return { now: kb('VmRSS') * 1024, peak: kb('VmHWM') * 1024 };
}
