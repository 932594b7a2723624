import { ID_PATTERN, SUBJECT_PATTERN } from '../../protocol/model/subject.ts';
import type { AgentConfig } from '../../protocol/wire/agent-config.ts';

/**
 * Checks a configuration as protocol/wire/agent-config.ts states it, by hand: the schema library
 * costs 24 MB of resident memory, a third of the agent's budget. A contract test holds the two
 * together over valid and broken configurations.
 *
 * A check returns undefined, or what was expected and where: "targets[3].every: an integer from 100".
 */
type Check = (value: unknown, path: string) => string | undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text =
  (min: number, max: number): Check =>
  (value, path) =>
    typeof value === 'string' && lengthOf(value) >= min && lengthOf(value) <= max
      ? undefined
      : `${path}: a text of ${min} to ${max} characters`;

/** JSON Schema counts code points. */
const lengthOf = (value: string): number => {
  let count = 0;
  for (const _ of value) count += 1;
  return count;
};

const integer =
  (min: number, max: number): Check =>
  (value, path) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `${path}: an integer from ${min} to ${max}`;

const matching = (pattern: string): Check => {
  const regExp = new RegExp(pattern, 'u');
  return (value, path) =>
    typeof value === 'string' && regExp.test(value) ? undefined : `${path}: ${pattern}`;
};

const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value, path) =>
    allowed.includes(value) ? undefined : `${path}: one of ${allowed.join(', ')}`;

const boolean: Check = oneOf(true, false);

const list =
  (most: number, check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path}: a list`;
    if (value.length > most) return `${path}: at most ${most} entries`;
    for (const [index, entry] of value.entries()) {
      const trouble = check(entry, `${path}[${index}]`);
      if (trouble !== undefined) return trouble;
    }
    return undefined;
  };

/** Keys that end in `?` may be absent; others than the named ones are refused. */
const record = (shape: Record<string, Check>): Check => {
  const fields = Object.entries(shape).map(
    ([key, check]): Field => ({
      name: key.replace(/\?$/, ''),
      isOptional: key.endsWith('?'),
      check,
    }),
  );
  const names = new Set(fields.map((field) => field.name));
  return (value, path) => {
    if (!isObject(value)) return `${path}: an object`;
    const foreign = Object.keys(value).find((key) => !names.has(key));
    if (foreign !== undefined) return `${path}.${foreign}: unknown`;
    for (const field of fields) {
      const trouble = checkField(field, value, path);
      if (trouble !== undefined) return trouble;
    }
    return undefined;
  };
};

interface Field {
  readonly name: string;
  readonly isOptional: boolean;
  readonly check: Check;
}

function checkField(field: Field, of: Record<string, unknown>, path: string): string | undefined {
  const { name, isOptional, check } = field;
  if (Object.hasOwn(of, name)) return check(of[name], `${path}.${name}`);
  return isOptional ? undefined : `${path}.${name}: missing`;
}

const chosenBy =
  (key: string, checks: Record<string, Check>): Check =>
  (value, path) => {
    if (!isObject(value)) return `${path}: an object`;
    const choice = value[key];
    const check = typeof choice === 'string' ? ownValue(checks, choice) : undefined;
    return check === undefined
      ? `${path}.${key}: one of ${Object.keys(checks).join(', ')}`
      : check(value, path);
  };

const ownValue = <T>(of: Record<string, T>, key: string): T | undefined =>
  Object.hasOwn(of, key) ? of[key] : undefined;

/** Entries under other names than ids are not looked at: nothing can refer to them. */
const mapOf =
  (key: Check, check: Check): Check =>
  (value, path) => {
    if (!isObject(value)) return `${path}: an object`;
    for (const [name, entry] of Object.entries(value)) {
      if (key(name, path) !== undefined) continue;
      const trouble = check(entry, `${path}.${name}`);
      if (trouble !== undefined) return trouble;
    }
    return undefined;
  };

const id = matching(ID_PATTERN);
const subject = matching(SUBJECT_PATTERN);
const address = text(1, 255);
const every = integer(100, 86_400_000);
const port = integer(1, 65_535);
const keyOf = (...protocols: readonly string[]): Check =>
  record({ protocol: oneOf(...protocols), key: text(8, 255) });

const credential = chosenBy('version', {
  '2c': record({ version: oneOf('2c'), community: text(1, 255) }),
  '3': record({
    version: oneOf('3'),
    user: text(1, 64),
    'auth?': keyOf('sha', 'sha256', 'sha512'),
    'privacy?': keyOf('aes128', 'aes256', 'aes256c'),
  }),
});

const echo = { id, subject, address, count: integer(1, 100), every, timeout: every };

const target = chosenBy('probe', {
  icmp: record({ ...echo, probe: oneOf('icmp') }),
  stamp: record({
    ...echo,
    probe: oneOf('stamp'),
    port,
    'source?': address,
    'dscp?': integer(0, 63),
    'clocksSynchronised?': boolean,
  }),
  snmp: record({
    id,
    probe: oneOf('snmp'),
    subject,
    address,
    port,
    credential: id,
    every,
    slowEvery: every,
    timeout: every,
  }),
});

const config = record({
  v: oneOf(1),
  revision: text(0, 64),
  agent: id,
  site: id,
  targets: list(20_000, target),
  credentials: mapOf(id, credential),
  'reflector?': record({ address, port, peers: list(1024, address) }),
  confirm: list(
    1024,
    record({
      id: text(0, 64),
      target: id,
      until: integer(-Number.MAX_VALUE, Number.MAX_VALUE),
    }),
  ),
});

export type CheckedConfig =
  | { readonly kind: 'valid'; readonly config: AgentConfig }
  | { readonly kind: 'invalid'; readonly text: string };

export function checkConfig(value: unknown): CheckedConfig {
  const trouble = config(value, 'config');
  return trouble === undefined
    ? { kind: 'valid', config: value as AgentConfig }
    : { kind: 'invalid', text: trouble };
}
