import type { Link } from '../../protocol/model/inventory.ts';
import { deviceOf, idOf, interfaceKey, type SubjectKey } from '../../protocol/model/subject.ts';

/** "GigabitEthernet0/1" as the kind of port and its number. */
interface PortName {
  readonly word: string;
  readonly number: string;
}

function portName(text: string): PortName {
  const parts = /^([a-z][a-z -]*?)\s*(\d.*)$/.exec(text.toLowerCase());
  return { word: parts?.[1] ?? text.toLowerCase(), number: parts?.[2] ?? '' };
}

/** One is the other's abbreviation: "gi" of "gigabitethernet", "te" of "tengige". */
const isShortFor = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

export interface InterfaceNames {
  /** The end of a link that the interface is, under the name that the inventory uses. */
  canonical(subject: SubjectKey): SubjectKey;
}

/**
 * Devices, agents and people write one port in several ways ("Gi0/1", "GigabitEthernet0/1"): an
 * interface is the end of a link when the number is the same and one word abbreviates the other,
 * unless two ends of that device would fit.
 */
export function createInterfaceNames(links: readonly Link[]): InterfaceNames {
  const exact = new Set<SubjectKey>();
  const byNumber = new Map<string, { readonly word: string; readonly key: SubjectKey }[]>();
  for (const { device, interface: name } of links.flatMap((link) => link.ends)) {
    if (name === undefined) continue;
    const key = interfaceKey(device, name);
    if (exact.has(key)) continue;
    exact.add(key);
    const { word, number } = portName(name);
    const place = `${device}/${number}`;
    byNumber.set(place, [...(byNumber.get(place) ?? []), { word, key }]);
  }

  function canonical(subject: SubjectKey): SubjectKey {
    if (!subject.startsWith('interface:') || exact.has(subject)) return subject;
    const device = deviceOf(subject) ?? '';
    const { word, number } = portName(idOf(subject).slice(device.length + 1));
    if (number === '') return subject;
    const fitting = (byNumber.get(`${device}/${number}`) ?? []).filter((one) =>
      isShortFor(one.word, word),
    );
    return fitting.length === 1 ? (fitting[0]?.key ?? subject) : subject;
  }

  return { canonical };
}
