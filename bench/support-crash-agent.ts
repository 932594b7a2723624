import { createHash } from 'node:crypto';
import type { Lane } from '../protocol/model/sample.ts';
import type { BatchAck, DictionaryEntry, SampleBatch } from '../protocol/wire/batch.ts';
import type { Problem } from '../protocol/wire/problem.ts';

export interface CrashAgentOptions {
  readonly url: string;
  readonly token: string;
  readonly agent: string;
  readonly spool: string;
  readonly lane: Lane;
  /** `link:…` subjects; each is lost or fine for a while. */
  readonly links: readonly string[];
  readonly random: () => number;
}

/** One lane of an agent that never gives up: every batch is sent until it is acknowledged. */
export interface CrashAgent {
  /** Content hash of every batch by sequence, and how far the server has acknowledged. */
  readonly sent: ReadonlyMap<number, string>;
  acknowledged(): number;
  /** Answers that must never come. */
  readonly surprises: readonly string[];
  /** All links are fine from now on. */
  calm(): void;
  stop(): Promise<void>;
}

const PAUSE_MS = 20;

export function startCrashAgent(options: CrashAgentOptions): CrashAgent {
  const { lane, links, random } = options;
  const sent = new Map<number, string>();
  const surprises: string[] = [];
  const lost = new Set<string>();
  let acknowledged = 0;
  let isCalm = false;
  let isStopped = false;
  let previous: Buffer | undefined;
  const running = run();

  async function run(): Promise<void> {
    for (let sequence = 1; !isStopped; sequence++) {
      const body = Buffer.from(JSON.stringify(nextBatch(sequence)));
      sent.set(sequence, createHash('sha256').update(body).digest('hex'));
      await deliver(body, sequence);
      // An answer that was lost makes an agent send again what the server has.
      if (previous !== undefined && random() < 0.1) await post(previous);
      previous = body;
      await pause(PAUSE_MS * random() * 2);
    }
  }

  async function deliver(body: Buffer, sequence: number): Promise<void> {
    while (acknowledged < sequence) {
      const answer = await post(body);
      if (answer === undefined) await pause(PAUSE_MS);
      else if (answer < acknowledged) surprises.push(`${sequence}: ack fell to ${answer}`);
      else acknowledged = answer;
      if (isStopped && answer === undefined) return;
    }
  }

  /** The acknowledged sequence, or undefined when it must be tried again. */
  async function post(body: Buffer): Promise<number | undefined> {
    try {
      const response = await fetch(`${options.url}/v1/samples`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${options.token}`,
          'content-type': 'application/json',
          'vedette-sent-at': String(Date.now()),
          'vedette-oldest': '1',
        },
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(10_000),
      });
      if (response.ok) return ((await response.json()) as BatchAck).acknowledged[lane];
      const problem = (await response.json()) as Problem;
      if (problem.status < 500 && problem.status !== 429) {
        surprises.push(`${problem.code}: ${problem.detail}`);
        isStopped = true;
      }
    } catch {
      // Killed, or not started yet.
    }
    return undefined;
  }

  function nextBatch(sequence: number): SampleBatch {
    const now = Date.now();
    const isLive = lane === 'live';
    if (isLive && !isCalm && random() < 0.1) toggle();
    const values = links.flatMap((link) => {
      const loss = isLive && lost.has(link) ? 1 : 0;
      return [loss, loss];
    });
    return {
      v: 1,
      agent: options.agent,
      spool: options.spool,
      lane,
      sequence,
      at: isLive ? now : now - 3_600_000,
      dictionary: sequence === 1 ? dictionary() : [],
      gauges: {
        series: values.map((_, index) => index),
        at: values.map(() => 0),
        value: values,
      },
      counters: [],
    };
  }

  function toggle(): void {
    const link = links[Math.floor(random() * links.length)]!;
    if (!lost.delete(link)) lost.add(link);
  }

  function dictionary(): DictionaryEntry[] {
    return links.flatMap((subject, n) => [
      { index: 2 * n, metric: 'icmp_loss_ratio', subject, every: 1000 },
      { index: 2 * n + 1, metric: 'icmp_confirm_loss_ratio', subject },
    ]);
  }

  return {
    sent,
    acknowledged: () => acknowledged,
    surprises,
    calm() {
      isCalm = true;
      lost.clear();
    },
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
