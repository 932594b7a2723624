import type { DatabaseSync } from 'node:sqlite';
import type { AlertKey } from '../../../protocol/model/alert.ts';
import { type Fact, isIncidentFact, type TrendFact } from '../../../protocol/model/fact.ts';
import type { Incident, IncidentId } from '../../../protocol/model/incident.ts';
import type { TrendRecords } from '../../ports/show.ts';
import type { FactStore, StoredFact } from '../../ports/store.ts';
import { inTransaction } from './transaction.ts';

interface FactRow {
  readonly position: number;
  readonly ordinal: number;
  readonly body: string;
}

export interface HealthRecords {
  /** The newest `subject.changed` and `service.changed` of everything: where the page starts after a restart. */
  health(): readonly Fact[];
}

export function createFactStore(db: DatabaseSync): FactStore & HealthRecords & TrendRecords {
  const readPosition = db.prepare("SELECT value FROM meta WHERE key = 'committed'");
  const writePosition = db.prepare("UPDATE meta SET value = ? WHERE key = 'committed'");
  const insertFact = db.prepare(
    'INSERT INTO facts (position, ordinal, at, kind, incident, alert, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const saveIncident = db.prepare(
    `INSERT INTO incidents (id, is_open, opened_at, body) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body`,
  );
  const saveHealth = db.prepare(
    `INSERT INTO health (subject, body) VALUES (?, ?)
     ON CONFLICT (subject) DO UPDATE SET body = excluded.body`,
  );
  const allHealth = db.prepare('SELECT body FROM health');
  const byId = db.prepare('SELECT body FROM incidents WHERE id = ?');
  const openOnes = db.prepare(
    'SELECT body FROM incidents WHERE is_open = 1 AND opened_at < ? ORDER BY opened_at DESC, id LIMIT ?',
  );
  const allOnes = db.prepare(
    'SELECT body FROM incidents WHERE opened_at < ? ORDER BY opened_at DESC, id LIMIT ?',
  );
  // UNION drops the rows that both halves find.
  const ofIncident = db.prepare(
    `SELECT position, ordinal, body FROM facts WHERE incident = ?1
     UNION
     SELECT position, ordinal, body FROM facts
      WHERE alert IN (SELECT value FROM json_each(?2)) AND at BETWEEN ?3 AND ?4
     UNION
     SELECT position, ordinal, body FROM facts
      WHERE kind = 'incident.merged' AND json_extract(body, '$.into') = ?1
     ORDER BY position, ordinal`,
  );
  // The kind stands in the text: only then the partial index of that kind is used.
  const trendsOf = (kind: TrendFact['kind']) =>
    db.prepare(
      `SELECT body FROM facts WHERE kind = '${kind}' AND at >= ?1
        AND (?2 IS NULL OR json_extract(body, '$.subject') = ?2)
       ORDER BY at DESC LIMIT ?3`,
    );
  const allTrends = {
    'level.changed': trendsOf('level.changed'),
    'limit.forecast': trendsOf('limit.forecast'),
  };

  const incident = (id: IncidentId): Incident | undefined => {
    const row = byId.get(id) as { body: string } | undefined;
    return row && (JSON.parse(row.body) as Incident);
  };

  function insert(position: number, ordinal: number, fact: Fact): void {
    const incidentId = isIncidentFact(fact) ? fact.incident : null;
    const body = JSON.stringify(fact);
    insertFact.run(position, ordinal, fact.at, fact.kind, incidentId, alertOf(fact), body);
    if (fact.kind === 'subject.changed') saveHealth.run(fact.subject, body);
    if (fact.kind === 'service.changed') saveHealth.run(`service:${fact.service}`, body);
    if (!isIncidentFact(fact)) return;
    const { view } = fact;
    const isOpen = view.state === 'open' || view.state === 'acknowledged' ? 1 : 0;
    saveIncident.run(view.id, isOpen, view.openedAt, JSON.stringify(view));
  }

  return {
    committedPosition: () => (readPosition.get() as { value: number }).value,
    commit: (position, facts, alongside) =>
      inTransaction(db, () => {
        for (const [ordinal, fact] of facts.entries()) {
          if (isStored(fact)) insert(position, ordinal, fact);
        }
        alongside();
        writePosition.run(position);
      }),
    incidents: ({ state, limit, before }) => {
      const statement = state === 'open' ? openOnes : allOnes;
      const rows = statement.all(before ?? Number.MAX_SAFE_INTEGER, limit) as { body: string }[];
      return rows.map((row) => JSON.parse(row.body) as Incident);
    },
    incident,
    health: () =>
      (allHealth.all() as { body: string }[]).map(({ body }) => JSON.parse(body) as Fact),
    trends({ kind, subject, since, limit }) {
      const rows = allTrends[kind].all(since, subject ?? null, limit) as { body: string }[];
      return rows.map((row) => JSON.parse(row.body) as TrendFact);
    },
    factsOf(id) {
      const found = incident(id);
      if (found === undefined) return [];
      const alerts: AlertKey[] = [found.root.alert, ...found.symptoms.map(({ alert }) => alert)];
      // An alert of the same name may fire again years later, for another incident.
      const until = found.resolvedAt ?? Number.MAX_SAFE_INTEGER;
      const rows = ofIncident.all(
        id,
        JSON.stringify(alerts),
        found.onsetAt,
        until,
      ) as unknown as FactRow[];
      return rows.map(({ position, ordinal, body }): StoredFact => {
        return { position, ordinal, fact: JSON.parse(body) as Fact };
      });
    },
  };
}

/** These are news for the moment, rebuilt by replay; one healthy round would write thousands. */
const isStored = (fact: Fact): boolean =>
  !['subject.answered', 'alert.fading', 'confirm.requested'].includes(fact.kind);

function alertOf(fact: Fact): AlertKey | null {
  switch (fact.kind) {
    case 'alert.fired':
      return fact.alert.key;
    case 'alert.resolved':
    case 'alert.blind':
    case 'alert.flapping':
    case 'alert.suppressed':
      return fact.alert;
    default:
      return null;
  }
}
