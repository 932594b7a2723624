import { type EpochMs, epochMs } from '../../../protocol/model/units.ts';
import type { SnmpSystem } from '../../ports/snmp.ts';
import { countOf, oidOf, textOf } from './cells.ts';
import { isFilled } from './column-walk.ts';
import { dropAbsent } from './drop-absent.ts';
import { SYSTEM } from './oids.ts';
import { failure, SnmpReadError } from './snmp-error.ts';
import type { SnmpSession, Varbind } from './snmp-session.ts';

const ALL = [
  SYSTEM.uptime,
  SYSTEM.name,
  SYSTEM.descr,
  SYSTEM.objectId,
  SYSTEM.engineBoots,
  SYSTEM.engineTime,
] as const;
/** Agents that call one unknown object an error for the whole request still answer these. */
const BASIC = ALL.slice(0, 4);

/** Reads the system group; `not-in-view` when nothing of it is shown. Throws `SnmpReadError`. */
export async function readSystem(session: SnmpSession): Promise<SnmpSystem> {
  const varbinds = await getWhatIsThere(session);
  const at: EpochMs = epochMs(Date.now());
  const byOid = new Map(varbinds.map((varbind) => [varbind.oid, varbind]));
  const cell = <T>(oid: string, parse: (varbind: Varbind) => T | undefined): T | undefined => {
    const varbind = byOid.get(oid);
    return isFilled(varbind) ? parse(varbind) : undefined;
  };
  const system = {
    uptimeTicks: cell(SYSTEM.uptime, countOf),
    name: cell(SYSTEM.name, textOf),
    descr: cell(SYSTEM.descr, textOf),
    objectId: cell(SYSTEM.objectId, oidOf),
  };
  if (Object.values(system).every((value) => value === undefined)) {
    throw new SnmpReadError(
      failure(
        'not-in-view',
        'the device answers, but does not show its system group: check the view',
      ),
    );
  }
  // Views often hide the engine's group; the v3 header states the same figures.
  const engine = session.engine();
  return dropAbsent({
    at,
    ...system,
    engineBoots: cell(SYSTEM.engineBoots, countOf) ?? engine?.boots,
    engineTimeS: cell(SYSTEM.engineTime, countOf) ?? engine?.timeS,
  });
}

async function getWhatIsThere(session: SnmpSession): Promise<Varbind[]> {
  try {
    return await session.get(ALL);
  } catch (cause) {
    const error = cause as SnmpReadError;
    if (error.objection !== 'refused' && error.objection !== 'too-big') throw error;
    return session.get(BASIC);
  }
}
