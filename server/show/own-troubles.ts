import type { OwnTrouble } from '../../protocol/wire/views.ts';
import type { HistoryState } from '../ports/history.ts';

/** What keeps the server itself from its work, in words for whoever looks at the page. */
export function ownTroubles(
  stalledBy: string | undefined,
  history: Pick<HistoryState, 'stoppedBy' | 'stoppedAt'>,
): readonly OwnTrouble[] {
  const { stoppedBy, stoppedAt } = history;
  return [
    ...(stalledBy === undefined
      ? []
      : [
          {
            id: 'store',
            text: `Nothing can be stored, so nothing new is judged and agents keep their samples: ${stalledBy}`,
          },
        ]),
    ...(stoppedBy === undefined
      ? []
      : [
          {
            id: 'history',
            text: `The history has stopped: detection and tickets go on, but samples are not kept for graphs. ${stoppedBy}`,
            ...(stoppedAt !== undefined && { since: stoppedAt }),
          },
        ]),
  ];
}
