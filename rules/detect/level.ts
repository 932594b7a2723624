import { seriesKey } from '../../protocol/model/sample.ts';
import type { EpochMs } from '../../protocol/model/units.ts';
import { learn } from './baseline-series.ts';
import { SETTLED_AFTER } from './level-segments.ts';
import type { Sink } from './sink.ts';
import type { Feed, Track } from './watched.ts';
import { durationText, figureText, metricText } from './wording.ts';

/** Learns the sample, and writes it down when the series has settled on another level. */
export function noteLevel(track: Track, feed: Feed, sink: Sink, now: EpochMs): void {
  const change = track.learned && learn(track.learned, feed);
  if (change === undefined) return;
  const metric = track.seat.plan.judged;
  const { agent, key: subject } = feed.watched;
  const { since, before, after } = change;
  const [from, to] = [figureText(metric, before), figureText(metric, after)];
  sink.push(feed.at, {
    kind: 'level.changed',
    at: now,
    series: seriesKey(agent, metric, subject),
    subject,
    metric,
    since,
    before,
    after,
    text: `${metricText(metric)} stepped from ${from} to ${to} and stayed for ${durationText(SETTLED_AFTER)}`,
  });
}
