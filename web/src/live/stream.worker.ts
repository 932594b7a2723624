import { type Feed, openFeed } from './feed.ts';

/**
 * Holds the one stream of all tabs: a browser allows six connections per host over HTTP/1.1, and a
 * seventh tab with a stream of its own would hang without an error.
 */
const tabs = new Set<MessagePort>();
let feed: Feed | undefined;

addEventListener('connect', (event) => {
  const [tab] = (event as MessageEvent).ports;
  if (tab === undefined) return;
  tab.onmessage = ({ data }: MessageEvent<'hello' | 'bye'>) =>
    data === 'hello' ? join(tab) : leave(tab);
});

function join(tab: MessagePort): void {
  tabs.add(tab);
  feed ??= openFeed((message) => {
    for (const each of tabs) each.postMessage(message);
  });
  const { status, ageMs } = feed;
  if (status !== undefined) tab.postMessage({ kind: 'snapshot', status, ageMs });
}

function leave(tab: MessagePort): void {
  tabs.delete(tab);
  if (tabs.size > 0) return;
  feed?.close();
  feed = undefined;
}
