import { parseArgs } from 'node:util';
import { type Figure, line as lineOf } from '../../bench/figure.ts';
import { runQuiet } from './quiet.ts';
import { hasQuietTraces, loadQuietTraces, RTT_DATA } from './quiet-traces.ts';

/**
 * `npm run bench:quiet [-- --links 1000 --days 20 --seed 1]`: false tickets on healthy links at rounds
 * of five seconds. 20,000 link-days take a quarter of an hour.
 */
const { values } = parseArgs({
  options: {
    links: { type: 'string', default: '1000' },
    days: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});

if (hasQuietTraces()) {
  const [links, days, seed] = [Number(values.links), Number(values.days), Number(values.seed)];
  const started = performance.now();
  const { linkDays, routed, listed, mostOpen, samples } = runQuiet(loadQuietTraces(), {
    links,
    days,
    seed,
  });
  const seconds = (performance.now() - started) / 1000;
  const perThousand = (count: number) => (count / linkDays) * 1000;
  const figures: Figure[] = [
    {
      name: 'false routed tickets on healthy links',
      figure: perThousand(routed.length),
      unit: 'per 1,000 links and day',
      budget: 1,
      note: `${routed.length} in ${linkDays} link-days at 5 s rounds, ${Math.round(samples / 1e6)} million samples in ${Math.round(seconds)} s`,
    },
    {
      name: 'incidents listed without a ticket on healthy links',
      figure: perThousand(listed.length),
      unit: 'per 1,000 links and day',
      note: `most open at one time ${mostOpen} of ${links} links`,
    },
  ];
  for (const figure of figures) process.stdout.write(`${lineOf(figure)}\n`);
  for (const { link, at, view } of routed) {
    process.stdout.write(
      `  routed: link ${link}, day ${(at / 86_400).toFixed(2)}: ${view.title}\n`,
    );
  }
} else process.stderr.write(`skipped: no labelled traces at ${RTT_DATA}\n`);
