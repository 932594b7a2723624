import { type Static, Type } from 'typebox';
import { ID_PATTERN, SUBJECT_PATTERN } from '../model/subject.ts';

const strict = { additionalProperties: false } as const;
const Id = Type.String({ pattern: ID_PATTERN });
const Address = Type.String({ minLength: 1, maxLength: 255 });
const Every = Type.Integer({ minimum: 100, maximum: 86_400_000, description: 'ms' });
const Port = Type.Integer({ minimum: 1, maximum: 65_535 });

/** SNMP credentials in clear: only inside TLS or on loopback, and encrypted in agent.json. */
export const SnmpCredential = Type.Union([
  Type.Object(
    { version: Type.Literal('2c'), community: Type.String({ minLength: 1, maxLength: 255 }) },
    strict,
  ),
  Type.Object(
    {
      version: Type.Literal('3'),
      user: Type.String({ minLength: 1, maxLength: 64 }),
      auth: Type.Optional(
        Type.Object(
          {
            protocol: Type.Union([
              Type.Literal('sha'),
              Type.Literal('sha256'),
              Type.Literal('sha512'),
            ]),
            key: Type.String({ minLength: 8, maxLength: 255 }),
          },
          strict,
        ),
      ),
      privacy: Type.Optional(
        Type.Object(
          {
            protocol: Type.Union([
              Type.Literal('aes128'),
              Type.Literal('aes256'),
              Type.Literal('aes256c'),
            ]),
            key: Type.String({ minLength: 8, maxLength: 255 }),
          },
          strict,
        ),
      ),
    },
    strict,
  ),
]);
export type SnmpCredential = Static<typeof SnmpCredential>;

export const IcmpTarget = Type.Object(
  {
    id: Id,
    probe: Type.Literal('icmp'),
    subject: Type.String({ pattern: SUBJECT_PATTERN }),
    address: Address,
    /** Echoes in one round, spread over it. */
    count: Type.Integer({ minimum: 1, maximum: 100 }),
    every: Every,
    timeout: Every,
  },
  strict,
);
export type IcmpTarget = Static<typeof IcmpTarget>;

export const StampTarget = Type.Object(
  {
    id: Id,
    probe: Type.Literal('stamp'),
    subject: Type.String({ pattern: SUBJECT_PATTERN }),
    address: Address,
    port: Port,
    /** Local address that picks the path (overlay). */
    source: Type.Optional(Address),
    dscp: Type.Optional(Type.Integer({ minimum: 0, maximum: 63 })),
    count: Type.Integer({ minimum: 1, maximum: 100 }),
    every: Every,
    timeout: Every,
    /** One-way figures, only if an administrator states that both clocks are synchronised. */
    clocksSynchronised: Type.Optional(Type.Boolean()),
  },
  strict,
);
export type StampTarget = Static<typeof StampTarget>;

export const SnmpTarget = Type.Object(
  {
    id: Id,
    probe: Type.Literal('snmp'),
    subject: Type.String({ pattern: SUBJECT_PATTERN }),
    address: Address,
    port: Port,
    credential: Id,
    /** Interfaces and uptime. */
    every: Every,
    /** CPU, memory, temperature, interface names. */
    slowEvery: Every,
    /** For one request; a device's whole poll must end within `every`. */
    timeout: Every,
  },
  strict,
);
export type SnmpTarget = Static<typeof SnmpTarget>;

export const Target = Type.Union([IcmpTarget, StampTarget, SnmpTarget]);
export type Target = Static<typeof Target>;

/** A probe the engine asks for now (hold-down): ten echoes, 100 ms apart, reported as confirm loss. */
export const ConfirmRequest = Type.Object(
  { id: Type.String({ maxLength: 64 }), target: Id, until: Type.Integer() },
  strict,
);
export type ConfirmRequest = Static<typeof ConfirmRequest>;

/** Answer of `GET /v1/agent/config?wait=SECONDS` (ETag = revision; 304 when nothing changed). */
export const AgentConfig = Type.Object(
  {
    v: Type.Literal(1),
    revision: Type.String({ maxLength: 64 }),
    agent: Id,
    site: Id,
    targets: Type.Array(Target, { maxItems: 20_000 }),
    credentials: Type.Record(Type.String({ pattern: ID_PATTERN }), SnmpCredential),
    /** STAMP reflector (RFC 8762, unauthenticated): answers listed peers only. */
    reflector: Type.Optional(
      Type.Object(
        { address: Address, port: Port, peers: Type.Array(Address, { maxItems: 1024 }) },
        strict,
      ),
    ),
    confirm: Type.Array(ConfirmRequest, { maxItems: 1024 }),
  },
  strict,
);
export type AgentConfig = Static<typeof AgentConfig>;
