/** A child process that writes batches as fast as it can and says which are durable, until it is killed. */
import { openFileSpool } from '../../agent/adapters/file-spool/file-spool.ts';
import { epochMs } from '../../protocol/model/units.ts';

const quiet = () => undefined;
const spool = openFileSpool({
  folder: process.argv[2] as string,
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  now: Date.now,
  // Small, so that segments change often.
  maxBytes: 64 * 1024 * 1024,
});

async function write(lane: 'live' | 'backfill', name: string): Promise<void> {
  for (let i = 0; ; i++) {
    let index = 0;
    const isDurable = await spool.append(lane, ({ sequence }) => {
      index = sequence;
      const size = (sequence * 7919) % 3000;
      return {
        body: Buffer.from(`${lane}:${sequence}:${'x'.repeat(size)}`),
        samples: 1,
        at: epochMs(Date.now()),
        entries:
          i === 0 ? [{ index: sequence, metric: 'icmp_rtt_ms', subject: `device:${name}` }] : [],
      };
    });
    if (isDurable) process.stdout.write(`${lane} ${index}\n`);
  }
}

await Promise.all([write('live', 'a'), write('live', 'b'), write('backfill', 'c')]);
