import { type Static, Type } from 'typebox';
import { ID_PATTERN } from '../protocol/model/subject.ts';
import { DURATION_PATTERN } from './words.ts';

/** Building blocks of the schema. `expected` completes "expected …" in an error. */
export const strict = { additionalProperties: false } as const;

export const Id = Type.String({
  pattern: ID_PATTERN,
  expected: 'an id (letters, digits, ".", "_" and "-", at most 64, a letter or digit first)',
});
export const Text = Type.String({
  minLength: 1,
  maxLength: 255,
  expected: 'a text of 1 to 255 characters',
});
export const Address = Type.String({
  // Digits and dots alone are an IPv4 address, and a whole one: a host name ends in a letter somewhere.
  pattern:
    '^(?![0-9.]+$)[^\\s/]{1,255}$|^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\\.(?!$)|$)){4}$',
  expected: 'an IP address or a host name',
});
export const port = (value: number, description?: string) =>
  Type.Integer({
    minimum: 1,
    maximum: 65_535,
    expected: 'a port, 1 to 65535',
    default: value,
    ...(description ? { description } : {}),
  });
export const Path = Type.String({ minLength: 1, expected: 'a path of a file' });
export const Url = Type.String({ pattern: '^https?://[^\\s]+$', expected: 'a URL, https://…' });
export const Pointer = Type.String({
  pattern: '^(/[^/]*)+$',
  expected: 'a JSON Pointer (RFC 6901) such as /result/number',
});
export const EXPECTED_DURATION = 'a duration such as 500ms, 30s, 5m, 2h or 7d';
export const duration = (value: string, description: string) =>
  Type.String({
    pattern: DURATION_PATTERN,
    expected: EXPECTED_DURATION,
    default: value,
    description,
  });
export const optionalDuration = (description: string) =>
  Type.Optional(
    Type.String({ pattern: DURATION_PATTERN, expected: EXPECTED_DURATION, description }),
  );

export const SECRET_WORDS =
  'a reference, because secrets are never written here: { env: NAME }, { file: PATH } or { credential: NAME } (systemd)';

/** Where a secret is found. */
export const SecretRef = Type.Union(
  [
    Type.Object({ env: Text }, strict),
    Type.Object({ file: Path }, strict),
    Type.Object({ credential: Text }, strict),
  ],
  { expected: SECRET_WORDS },
);
export type SecretRef = Static<typeof SecretRef>;

const LINK_KINDS = ['lan', 'wan', 'internet', 'overlay'] as const;
export const LinkKind = Type.Union(LINK_KINDS.map((kind) => Type.Literal(kind)));
