import { useEffect, useState } from 'preact/hooks';
import type { RangeView } from '../../../protocol/wire/views.ts';
import { fetchRange } from '../live/reads.ts';
import { clock } from '../live/store.ts';

const WIDTH = 132;
const HEIGHT = 30;
const SHOWN_MS = 30 * 60_000;
const REFRESH_MS = 15_000;
const STRETCHES = 90;

/** The last half hour of the deciding metric, without axes: the shape of the trouble at a glance. */
export function Spark({ series, since }: { readonly series: string; readonly since: number }) {
  const [range, setRange] = useState<RangeView>();
  useEffect(() => {
    let isGone = false;
    const load = () => {
      const to = clock.peek();
      fetchRange(series, to - SHOWN_MS, to)
        .then((found) => {
          if (!isGone) setRange(found);
        })
        // A missing spark line is no trouble of the network; the stream says if the server is gone.
        .catch(() => undefined);
    };
    load();
    const timer = setInterval(load, REFRESH_MS);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [series]);

  const to = clock.peek();
  // Soon after a start there is less to show; it fills the width all the same.
  const from = Math.max(to - SHOWN_MS, Math.min(range?.at[0] ?? 0, to - SHOWN_MS / 10));
  const x = (at: number) => ((at - from) / (to - from)) * WIDTH;
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <rect class="band" x={Math.max(0, x(since))} y="0" width={WIDTH} height={HEIGHT} />
      {range === undefined ? null : <path d={pathOf(range, x)} />}
    </svg>
  );
}

/** Means of equal stretches: single rounds would only flicker at this size. */
function pathOf(range: RangeView, x: (at: number) => number): string {
  const means = meansOf(range);
  const top = Math.max(...means.map((mean) => mean.value), 0) || 1;
  const y = (value: number) => HEIGHT - 3 - (value / top) * (HEIGHT - 6);
  return means
    .map(({ at, value }, n) => `${n === 0 ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
    .join('');
}

function meansOf({ at, value }: RangeView): { at: number; value: number }[] {
  const size = Math.max(1, Math.ceil(at.length / STRETCHES));
  const means: { at: number; value: number }[] = [];
  for (let from = 0; from < at.length; from += size) {
    const part = value.slice(from, from + size);
    const sum = part.reduce((total, one) => total + one, 0);
    means.push({ at: at[from] ?? 0, value: sum / part.length });
  }
  return means;
}
