import { signal } from '@preact/signals';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const narrow = matchMedia('(max-width: 62rem)');
/** Rows that stand beside each other on a desk stand under each other on a phone. */
export const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', () => {
  isNarrow.value = narrow.matches;
});

export interface WindowedProps {
  readonly ids: readonly string[];
  /** Height of a row with its gap, px: the same for all, so that the place of each is known. */
  readonly rowHeight: number;
  /** Cells are at least this wide; 0 = one column. */
  readonly minWidth: number;
  readonly label: string;
  readonly render: (id: string) => preact.JSX.Element;
}

interface Extent {
  readonly first: number;
  readonly last: number;
  readonly columns: number;
}

/** Rows beyond the screen that are drawn already, so that scrolling finds them there. */
const SPARE_ROWS = 3;

/** A long list of which only what is on the screen exists; it scrolls with the page. */
export function Windowed({ ids, rowHeight, minWidth, label, render }: WindowedProps) {
  const box = useRef<HTMLUListElement>(null);
  const [extent, setExtent] = useState<Extent>({ first: 0, last: 12, columns: 1 });

  useLayoutEffect(() => {
    let frame = 0;
    const measure = () => {
      frame = 0;
      const element = box.current;
      if (element === null) return;
      const { top, width } = element.getBoundingClientRect();
      const columns = minWidth === 0 ? 1 : Math.max(1, Math.floor(width / minWidth));
      const first = Math.max(0, Math.floor(-top / rowHeight) - SPARE_ROWS);
      const last = Math.ceil((innerHeight - top) / rowHeight) + SPARE_ROWS;
      setExtent((old) =>
        old.first === first && old.last === last && old.columns === columns
          ? old
          : { first, last, columns },
      );
    };
    const later = () => {
      frame ||= requestAnimationFrame(measure);
    };
    measure();
    const resized = new ResizeObserver(later);
    if (box.current !== null) resized.observe(box.current);
    addEventListener('scroll', later, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      resized.disconnect();
      removeEventListener('scroll', later);
    };
  }, [rowHeight, minWidth]);

  const { first, last, columns } = extent;
  const rows = Math.ceil(ids.length / columns);
  const shown = ids.slice(first * columns, last * columns);
  return (
    <ul ref={box} class="windowed" aria-label={label} style={{ height: `${rows * rowHeight}px` }}>
      {shown.map((id, n) => {
        const place = first * columns + n;
        const style = {
          top: `${Math.floor(place / columns) * rowHeight}px`,
          left: `${((place % columns) * 100) / columns}%`,
          width: `${100 / columns}%`,
          height: `${rowHeight}px`,
        };
        return (
          <li key={id} style={style} aria-setsize={ids.length} aria-posinset={place + 1}>
            {render(id)}
          </li>
        );
      })}
    </ul>
  );
}
