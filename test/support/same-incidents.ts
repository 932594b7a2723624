import { expect } from 'vitest';
import type { Noc } from './netns-noc.ts';

const iso = (at: number | undefined) => at && new Date(at).toISOString();

/** The log so far, recorded and replayed, must give the incidents that people were told of. */
export async function expectSameIncidents(noc: Noc): Promise<void> {
  const live = await noc.incidents();
  const last = new Map<unknown, object>();
  for (const fact of await noc.replayed()) {
    if (fact['incident'] !== undefined) last.set(fact['incident'], fact);
  }
  expect([...last.keys()].sort()).toEqual(live.map(({ id }) => id).sort());
  for (const one of live) {
    const { alert, cause, confidence } = one.root;
    expect(last.get(one.id)).toMatchObject({
      title: one.title,
      subject: one.subject,
      root: { alert, cause, confidence },
      state: one.state,
      onsetAt: iso(one.onsetAt),
      openedAt: iso(one.openedAt),
      ...(one.resolvedAt && { resolvedAt: iso(one.resolvedAt) }),
      priority: one.priority,
      users: one.users,
      symptoms: one.symptoms.map(({ subject, rule }) => ({ subject, rule })),
      ...(one.costSoFar && { costSoFar: one.costSoFar }),
    });
  }
}
