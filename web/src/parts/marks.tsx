import type { Mark } from './words.ts';

const SHAPES: Record<Mark, preact.JSX.Element> = {
  up: <circle cx="8" cy="8" r="5.5" />,
  degraded: <path d="M8 1.8 15 14.2H1z" />,
  down: <path d="M2 2h12v12H2z" />,
  unknown: (
    <path
      d="M4.7 5.6C4.9 3.6 6.2 2.5 8.1 2.5c2 0 3.4 1.2 3.4 3 0 2.5-3.3 2.5-3.3 5M8.2 12.6v1.2"
      fill="none"
      stroke="currentColor"
      stroke-width="2.3"
      stroke-linecap="round"
    />
  ),
  'at-risk': (
    <path
      d="M8 3 13.6 13H2.4z"
      fill="none"
      stroke="currentColor"
      stroke-width="1.9"
      stroke-linejoin="round"
    />
  ),
  maintenance: <path d="M3.5 2H6.5V14H3.5zM9.5 2H12.5V14H9.5z" />,
};

/** ● ▲ △ ■ ? ‖: the shape says it to those who see no colour; a word always stands beside it. */
export function Shape({ mark }: { readonly mark: Mark }) {
  return (
    <svg class={`shape is-${mark}`} viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
      {SHAPES[mark]}
    </svg>
  );
}
