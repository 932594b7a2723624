import { useComputed } from '@preact/signals';
import { clock } from '../live/store.ts';
import { fullTime, span } from './words.ts';

/** Time that has passed; only this text changes as it grows. */
export function Age({ at, suffix = '' }: { readonly at: number; readonly suffix?: string }) {
  const text = useComputed(() => `${span(clock.value - at)}${suffix}`);
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {text}
    </time>
  );
}
