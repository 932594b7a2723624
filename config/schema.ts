import { type Static, Type } from 'typebox';
import { ID_PATTERN } from '../protocol/model/subject.ts';
import { RemoteWrite } from './schema-remote-write.ts';
import { RuleChange, TimingChange } from './schema-rules.ts';
import {
  LastMile,
  LearnedEdge,
  Maintenance,
  PointOfPresence,
  RedundancyGroup,
  Service,
} from './schema-services.ts';
import {
  Address,
  duration,
  EXPECTED_DURATION,
  Id,
  LinkKind,
  Path,
  Pointer,
  port,
  SECRET_WORDS,
  SecretRef,
  strict,
  Text,
  Url,
} from './schema-words.ts';
import { DURATION_PATTERN } from './words.ts';

/**
 * The one source of the configuration's types, of its JSON schema for editors, and of its checks.
 * `description` is for editors, `expected` completes "expected …" in an error. A property with a
 * `default` may be left out; `config/check.ts` puts the default in.
 */
const Listener = (value: number, description: string) => ({
  address: Type.String({ default: '127.0.0.1', pattern: '^[^\\s/]+$', expected: 'an IP address' }),
  port: port(value, description),
});

const Server = Type.Object(
  {
    agents: Type.Object(
      {
        ...Listener(8081, 'Agents send their samples here'),
        tls: Type.Optional(
          Type.Object({ cert: Path, key: Path }, { ...strict, description: 'PEM files' }),
        ),
      },
      { ...strict, default: {}, description: 'Listener for agents; beyond loopback only with tls' },
    ),
    people: Type.Object(Listener(8080, 'Page, API, stream and documentation'), {
      ...strict,
      default: {},
      description: 'Listener for people; loopback only',
    }),
    state: Type.Optional(
      Type.String({
        minLength: 1,
        expected: 'a folder',
        description: 'Folder of the database, the input log and the snapshots',
      }),
    ),
    publicUrl: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s]+$',
        expected: 'a URL, https://…',
        description: 'Address of the page as people reach it; links in tickets begin with it',
      }),
    ),
    heartbeat: Type.Optional(
      Type.Object(
        { url: Url, every: duration('1m', 'How often the URL is called') },
        { ...strict, description: 'An outside watcher that misses us when we die' },
      ),
    ),
    history: Type.Optional(
      Type.Object(
        {
          raw: duration('14d', 'How long every sample is kept'),
          rollup: duration('400d', 'How long figures of five minutes are kept'),
          state: Type.Optional(
            Type.String({
              minLength: 1,
              expected: 'a folder',
              description: 'Folder of the history, when it has a disk of its own',
            }),
          ),
        },
        { ...strict, description: 'Samples for graphs and baselines' },
      ),
    ),
    remoteWrite: Type.Array(RemoteWrite, { default: [], maxItems: 8 }),
  },
  { ...strict, default: {} },
);

const Site = Type.Object(
  {
    id: Id,
    name: Type.Optional(Text),
    hub: Type.Boolean({
      default: false,
      description: 'Carries the traffic of others; its agents also watch sites without an agent',
    }),
    users: Type.Integer({
      minimum: 0,
      maximum: 10_000_000,
      default: 0,
      expected: 'a number of people',
      description: 'People who work there, for the impact',
    }),
  },
  strict,
);

const Device = Type.Object(
  {
    id: Id,
    name: Type.Optional(Text),
    site: Id,
    address: Address,
    behind: Type.Optional(
      Type.String({
        pattern: ID_PATTERN,
        expected: 'the id of a device',
        description: 'Device of the same site that this one is reached through',
      }),
    ),
    icmp: Type.Boolean({ default: true, description: 'Whether it is pinged' }),
    snmp: Type.Optional(
      Type.Object(
        {
          credential: Id,
          port: port(161),
        },
        strict,
      ),
    ),
  },
  strict,
);

const IcmpProbe = Type.Object({ from: Id, icmp: Address }, strict);
const StampProbe = Type.Object(
  {
    from: Id,
    stamp: Type.String({
      pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^\\s/:]+):[0-9]{1,5}$',
      expected: 'ADDRESS:PORT of a STAMP reflector',
    }),
    source: Type.Optional(Address),
    dscp: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 63, expected: 'a DSCP value, 0 to 63' }),
    ),
    clocksSynchronised: Type.Boolean({
      default: false,
      description: 'Both clocks are synchronised, so one-way delays mean something',
    }),
  },
  strict,
);

const Link = Type.Object(
  {
    id: Id,
    name: Type.Optional(Text),
    kind: LinkKind,
    site: Type.String({
      pattern: ID_PATTERN,
      expected: 'the id of a site',
      description: 'The site that lives behind this link, seen from the hub',
    }),
    peer: Type.Optional(Id),
    provider: Type.Optional(Text),
    circuit: Type.Optional(Text),
    pop: PointOfPresence,
    lastMile: LastMile,
    ends: Type.Array(Type.Object({ device: Id, interface: Type.Optional(Text) }, strict), {
      default: [],
      maxItems: 16,
    }),
    underlays: Type.Array(Id, { default: [], maxItems: 16 }),
    probes: Type.Array(
      Type.Union([IcmpProbe, StampProbe], {
        expected: '{ from: AGENT, icmp: ADDRESS } or { from: AGENT, stamp: ADDRESS:PORT }',
      }),
      { default: [], maxItems: 64 },
    ),
  },
  strict,
);

const Agent = Type.Object(
  {
    id: Id,
    site: Id,
    address: Type.Optional(
      Type.String({
        pattern: '^[^\\s/]{1,255}$',
        expected: 'an IP address',
        description: 'Address that its packets come from, so that reflectors may answer it',
      }),
    ),
    reflector: Type.Optional(
      Type.Object(
        {
          address: Address,
          port: port(862),
        },
        { ...strict, description: 'Answers STAMP packets of the agents that probe it' },
      ),
    ),
  },
  strict,
);

const V2c = Type.Object(
  {
    version: Type.Literal('2c'),
    community: Type.Union([Type.Literal('public'), ...SecretRef.anyOf], {
      expected: `${SECRET_WORDS}, or the well-known word public`,
    }),
  },
  strict,
);
const V3 = Type.Object(
  {
    version: Type.Literal('3'),
    user: Type.String({ minLength: 1, maxLength: 64, expected: 'a user name' }),
    auth: Type.Optional(
      Type.Object(
        {
          protocol: Type.Union([
            Type.Literal('sha'),
            Type.Literal('sha256'),
            Type.Literal('sha512'),
          ]),
          key: SecretRef,
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
          key: SecretRef,
        },
        strict,
      ),
    ),
  },
  strict,
);
const Credential = Type.Union([V2c, V3], {
  expected: 'an SNMP credential: { version: "2c", community: … } or { version: "3", user: … }',
});

const wait = (value: string) =>
  Type.String({
    pattern: `^never$|${DURATION_PATTERN}`,
    expected: `${EXPECTED_DURATION}, or never`,
    default: value,
  });
const Destination = Type.Object(
  {
    id: Id,
    url: Url,
    secrets: Type.Array(SecretRef, {
      minItems: 1,
      maxItems: 4,
      description: 'whsec_… secrets, the newest first; several while the receiver changes its own',
    }),
    openAfter: Type.Object(
      { P1: wait('10s'), P2: wait('60s'), P3: wait('5m'), P4: wait('never'), P5: wait('never') },
      { ...strict, default: {}, description: 'How long an incident must last to be ticketed' },
    ),
    numberPointer: Type.Optional(Pointer),
    urlPointer: Type.Optional(Pointer),
    plainHttp: Type.Boolean({
      default: false,
      description: 'Allow http:// beyond loopback: everybody on the way can read the tickets',
    }),
  },
  strict,
);

const Tickets = Type.Object(
  {
    mode: Type.Union([Type.Literal('send'), Type.Literal('observe')], {
      default: 'send',
      description: 'observe: everything is shown, nothing is sent',
    }),
    destinations: Type.Array(Destination, { default: [], maxItems: 16 }),
  },
  { ...strict, default: {} },
);

const rounds = (what: string) =>
  Type.Object(
    {
      every: duration('5s', `From one round of ${what} to the next`),
      count: Type.Integer({
        minimum: 1,
        maximum: 100,
        default: 5,
        expected: 'a number of packets, 1 to 100',
        description: `${what} in one round, spread over it`,
      }),
      timeout: duration('1s', 'An answer that takes longer counts as lost'),
    },
    { ...strict, default: {} },
  );

const Intervals = Type.Object(
  {
    icmp: rounds('echoes'),
    stamp: rounds('STAMP packets'),
    snmp: Type.Object(
      {
        wan: duration('30s', 'Devices that end a WAN, internet or overlay link'),
        other: duration('60s', 'All other devices'),
        slow: duration('5m', 'Names, CPU, memory, temperature'),
        timeout: duration('2s', 'For one request'),
      },
      { ...strict, default: {} },
    ),
  },
  { ...strict, default: {} },
);

export const ConfigSchema = Type.Object(
  {
    server: Server,
    sites: Type.Array(Site, { default: [], maxItems: 10_000 }),
    devices: Type.Array(Device, { default: [], maxItems: 50_000 }),
    links: Type.Array(Link, { default: [], maxItems: 50_000 }),
    agents: Type.Array(Agent, { default: [], maxItems: 10_000 }),
    redundancy: Type.Array(RedundancyGroup, { default: [], maxItems: 50_000 }),
    services: Type.Array(Service, { default: [], maxItems: 10_000 }),
    maintenance: Type.Array(Maintenance, { default: [], maxItems: 10_000 }),
    learned: Type.Array(LearnedEdge, { default: [], maxItems: 200_000 }),
    trustLearned: Type.Boolean({
      default: false,
      description: 'Learned edges may explain and suppress like those written here',
    }),
    credentials: Type.Record(Type.String({ pattern: ID_PATTERN }), Credential, { default: {} }),
    rules: Type.Array(RuleChange, { default: [], maxItems: 1000 }),
    timing: TimingChange,
    tickets: Tickets,
    intervals: Intervals,
  },
  strict,
);
export type Config = Static<typeof ConfigSchema>;
export type { SecretRef } from './schema-words.ts';
