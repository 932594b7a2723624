import type { StatusView } from '../../../protocol/wire/views.ts';
import { type FeedMessage, openFeed } from './feed.ts';

/** Hidden for so long, a tab lets its stream go; it gets a snapshot when somebody looks again. */
const REST_AFTER_MS = 5 * 60_000;
/** A worker that says nothing in this time is not there (or a browser blocks it). */
const WORKER_PATIENCE_MS = 6_000;
const POLL_MS = 5_000;

interface Source {
  close(): void;
}

/** Shared worker, else an own EventSource, else polling; pauses while nobody looks. */
export function connect(tell: (message: FeedMessage) => void): void {
  let source: Source | undefined = open();
  let rest: ReturnType<typeof setTimeout> | undefined;

  document.addEventListener('visibilitychange', () => {
    clearTimeout(rest);
    if (document.visibilityState === 'hidden') rest = setTimeout(pause, REST_AFTER_MS);
    else source ??= open();
  });
  addEventListener('pagehide', pause);
  addEventListener('pageshow', () => {
    source ??= open();
  });

  function pause(): void {
    source?.close();
    source = undefined;
  }

  function open(): Source {
    if (typeof SharedWorker === 'function') return shared(tell);
    return direct(tell);
  }
}

function shared(tell: (message: FeedMessage) => void): Source {
  let isHeard = false;
  let fallback: Source | undefined;
  const worker = new SharedWorker(new URL('./stream.worker.ts', import.meta.url), {
    type: 'module',
    name: 'stream',
  });
  worker.addEventListener('error', fallBack);
  const patience = setTimeout(() => {
    if (!isHeard) fallBack();
  }, WORKER_PATIENCE_MS);
  worker.port.onmessage = ({ data }: MessageEvent<FeedMessage>) => {
    isHeard = true;
    if (fallback === undefined) tell(data);
  };
  worker.port.postMessage('hello');

  return {
    close() {
      clearTimeout(patience);
      worker.port.postMessage('bye');
      worker.port.close();
      fallback?.close();
    },
  };

  function fallBack(): void {
    if (isHeard) return;
    worker.port.postMessage('bye');
    fallback ??= direct(tell);
  }
}

function direct(tell: (message: FeedMessage) => void): Source {
  if (typeof EventSource === 'function') return openFeed(tell);
  const timer = setInterval(poll, POLL_MS);
  poll();
  return { close: () => clearInterval(timer) };

  function poll(): void {
    fetch('/api/v1/status')
      .then((answer) => answer.json())
      .then((status: StatusView) => tell({ kind: 'snapshot', status }))
      // Nothing to do: the page sees that updates stopped and says so.
      .catch(() => undefined);
  }
}
