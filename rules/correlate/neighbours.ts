import { type DeviceId, deviceOf, kindOf, type SubjectKey } from '../../protocol/model/subject.ts';
import { seconds } from '../../protocol/model/units.ts';
import type { AlertBook, Explanation, FiringAlert } from './alert-book.ts';
import { type Family, rankOf } from './family.ts';
import type { Topology } from './topology.ts';

/**
 * A session has two ends, so one fault shows on many devices: whoever clears BGP on a router takes one
 * session from each of its neighbours. All this is one incident, and its root is the device on which
 * most was lost.
 */
export interface Neighbours {
  /** The worse alert beside this one that explains it; undefined = it is the worst, or no such alert. */
  explain(effect: FiringAlert): Explanation | undefined;
  /** A neighbour that is read a moment later may turn out to have lost more. */
  mayHaveWorse(firing: FiringAlert): boolean;
  /** Alerts of the same kind near it that may have to be looked at anew because of it. */
  beside(firing: FiringAlert): readonly FiringAlert[];
}

export interface NeighboursDeps {
  readonly book: AlertBook;
  readonly topology: () => Topology;
}

/** What the control plane of a device loses together with its neighbours. */
const CONTROL_PLANE: readonly Family[] = ['port-shut', 'ports-lost', 'sessions', 'routes'];

/** Polls are out of phase by up to a minute, and so are both ends of a session (hold time 90 s at most). */
const TOGETHER = seconds(60);

/** How much speaks for a device being the root; compared from the first number on. */
type Weight = readonly number[];

export function createNeighbours({ book, topology }: NeighboursDeps): Neighbours {
  const isControlPlane = (firing: FiringAlert): boolean =>
    kindOf(firing.alert.subject) === 'device' && CONTROL_PLANE.includes(book.familyOf(firing));

  const onsetOf = (firing: FiringAlert): number => firing.alert.evidence.onsetAt;

  const areTogether = (a: FiringAlert, b: FiringAlert): boolean =>
    Math.abs(onsetOf(a) - onsetOf(b)) <= TOGETHER;

  /** Devices of one site, and devices that a link joins. */
  function isNear(a: SubjectKey, b: SubjectKey): boolean {
    if (a === b) return false;
    const place = topology();
    const site = place.siteOf(a);
    if (site !== undefined && site === place.siteOf(b)) return true;
    const other: DeviceId | undefined = deviceOf(b);
    return place
      .linksEndingAt(deviceOf(a) ?? '')
      .some((link) => link.ends.some((end) => end.device === other));
  }

  const all = (): readonly FiringAlert[] =>
    CONTROL_PLANE.flatMap((family) => book.ofFamily(family)).filter(isControlPlane);

  function beside(firing: FiringAlert): readonly FiringAlert[] {
    const { subject } = firing.alert;
    if (!isControlPlane(firing)) return [];
    return all().filter((one) => areTogether(one, firing) && isNear(subject, one.alert.subject));
  }

  /**
   * In this order: where a port was shut down by hand; where the largest share of the sessions was
   * lost (a cleared router loses all, its neighbours one each; of two ends of one link the one that it
   * means more to); where it began; and a name, so that there is always one answer.
   */
  function weightOf(subject: SubjectKey, effect: FiringAlert): Weight {
    const alerts = book
      .on(subject)
      .filter((one) => isControlPlane(one) && (one === effect || areTogether(one, effect)));
    const has = (family: Family): number =>
      alerts.some((one) => book.familyOf(one) === family) ? 1 : 0;
    const lost = (family: Family): number =>
      Math.max(
        0,
        ...alerts.filter((one) => book.familyOf(one) === family).map((one) => shareLost(one)),
      );
    return [has('port-shut'), lost('sessions'), lost('routes'), -Math.min(...alerts.map(onsetOf))];
  }

  function isHeavier(a: Weight, b: Weight, isFirstByName: boolean): boolean {
    for (const [n, weight] of a.entries()) {
      if (weight !== b[n]) return weight > (b[n] as number);
    }
    return isFirstByName;
  }

  /** The alert of the device that its others are explained by. */
  const leadOf = (alerts: readonly FiringAlert[]): FiringAlert | undefined =>
    [...alerts].sort(
      (a, b) => rankOf(book.familyOf(a)) - rankOf(book.familyOf(b)) || a.serial - b.serial,
    )[0];

  function explain(effect: FiringAlert): Explanation | undefined {
    const near = beside(effect);
    if (near.length === 0) return undefined;
    let worst = effect.alert.subject;
    let most = weightOf(worst, effect);
    for (const subject of new Set(near.map((one) => one.alert.subject))) {
      const weight = weightOf(subject, effect);
      if (!isHeavier(weight, most, subject < worst)) continue;
      worst = subject;
      most = weight;
    }
    const root = leadOf(near.filter((one) => one.alert.subject === worst));
    if (root === undefined) return undefined;
    const isTie = most[1] === weightOf(effect.alert.subject, effect)[1];
    return { by: root.alert.key, row: 'neighbour', text: textOf(worst, most, isTie) };
  }

  const textOf = (subject: SubjectKey, [isShut, share]: Weight, isTie: boolean): string => {
    const name = topology().device(deviceOf(subject) ?? '')?.name ?? deviceOf(subject);
    if (isShut === 1) return `at the same time a port was shut down on its neighbour ${name}`;
    if (isTie)
      return `its neighbour ${name} was hit as hard at the same time, and counts as the first`;
    return `its neighbour ${name} lost more at the same time, ${Math.round((share ?? 0) * 100)} % of its sessions`;
  };

  /** Whoever has lost all, or had a port shut down by hand, need not wait to hear of others. */
  function mayHaveWorse(firing: FiringAlert): boolean {
    if (!isControlPlane(firing)) return false;
    const { subject } = firing.alert;
    const place = topology();
    const isAlone =
      place.devicesAt(place.siteOf(subject) ?? '').length < 2 &&
      place.linksEndingAt(deviceOf(subject) ?? '').length === 0;
    const [isShut = 0, sessions = 0] = weightOf(subject, firing);
    return !isAlone && isShut < 1 && sessions < 1;
  }

  return { explain, mayHaveWorse, beside };
}

/** 0..1 of the usual number. */
function shareLost({ alert }: FiringAlert): number {
  const { observed, expected } = alert.evidence;
  if (observed === undefined || expected === undefined || expected <= 0) return 0;
  return Math.max(0, (expected - observed) / expected);
}
