/** What an alert or incident is about. */
export const SUBJECT_KINDS = ['site', 'device', 'interface', 'link', 'service', 'agent'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/**
 * A subject as one string, `kind:id`, the form used on the wire, in the log, in facts and in the API.
 * An interface's id is `deviceId/interfaceId`, so that it names its device.
 */
export type SubjectKey = `${SubjectKind}:${string}`;

export type SiteId = string;
export type DeviceId = string;
export type LinkId = string;
export type AgentId = string;

/** Ids of sites, devices, links, services and agents: they are immutable and appear in URLs. */
export const ID_PATTERN = '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$';

/** Ids of interfaces are made by the agent from names that devices invent, so more is allowed. */
export const SUBJECT_PATTERN =
  '^(site|device|link|service|agent):[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$|^interface:[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}/[^\\s\\u0000-\\u001f\\u007f]{1,128}$';

export const subjectKey = (kind: SubjectKind, id: string): SubjectKey => `${kind}:${id}`;

export const interfaceKey = (device: DeviceId, netInterface: string): SubjectKey =>
  `interface:${device}/${netInterface}`;

export const kindOf = (subject: SubjectKey): SubjectKind =>
  subject.slice(0, subject.indexOf(':')) as SubjectKind;

export const idOf = (subject: SubjectKey): string => subject.slice(subject.indexOf(':') + 1);

/** The device an interface or device subject belongs to; undefined for the other kinds. */
export function deviceOf(subject: SubjectKey): DeviceId | undefined {
  const id = idOf(subject);
  const kind = kindOf(subject);
  if (kind === 'device') return id;
  return kind === 'interface' ? id.slice(0, id.indexOf('/')) : undefined;
}

/** True when `text` is a well-formed subject key; the ids need not exist. */
export const isSubjectKey = (text: string): text is SubjectKey =>
  new RegExp(SUBJECT_PATTERN).test(text);
