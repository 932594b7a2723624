import type { Series } from '../../../protocol/model/sample.ts';
import { deviceOf, idOf, kindOf } from '../../../protocol/model/subject.ts';

export type Label = readonly [name: string, value: string];

/** Name of a catalogue metric in other stores: `vedette_icmp_rtt_ms`. */
export const externalName = (metric: string): string => `vedette_${metric}`;

/**
 * Labels of a series in other stores, sorted by name as remote write wants them (`__name__` first):
 *
 *   vedette_icmp_rtt_ms{agent="hub-a", id="lyon-mpls", kind="link"}
 *   vedette_if_in_octets_total{agent="lyon-a", device="lyon-r1", id="lyon-r1/ge-0/0", kind="interface"}
 *
 * kind and id are the subject, so the series can be named again; `device` groups interfaces.
 */
export function labelsOf({ metric, subject, agent }: Series): readonly Label[] {
  const kind = kindOf(subject);
  const device = deviceOf(subject);
  return [
    ['__name__', externalName(metric)],
    ['agent', agent],
    ...(kind === 'interface' && device !== undefined ? [['device', device] as const] : []),
    ['id', idOf(subject)],
    ['kind', kind],
  ];
}
