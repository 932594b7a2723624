/** The simulated company: a hub and eleven branches, their circuits and what is usual on each. */
export interface SitePlan {
  readonly id: string;
  readonly name: string;
  readonly hub: boolean;
  readonly users: number;
  /** Loopback address of the site's router. */
  readonly address: string;
  /** Of the switches behind the router. */
  readonly switches: readonly string[];
  readonly circuit?: CircuitPlan;
}

export interface CircuitPlan {
  readonly id: string;
  readonly kind: 'wan' | 'internet';
  readonly provider: string;
  /** The provider's name of the circuit. */
  readonly reference: string;
  /** Usual one-way delay and its spread, ms. */
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly bitsPerSecond: number;
  /** Usual share of the line in use. */
  readonly load: number;
}

const BRANCHES: readonly (readonly [
  string,
  string,
  number,
  string,
  'wan' | 'internet',
  number,
  number,
])[] = [
  // id, name, users, provider, kind, one-way delay ms, Mbit/s
  ['lyon', 'Lyon', 140, 'Alpen Telecom', 'wan', 4.5, 100],
  ['bordeaux', 'Bordeaux', 60, 'Alpen Telecom', 'wan', 6.2, 50],
  ['lille', 'Lille', 85, 'Nordlink', 'wan', 3.1, 100],
  ['nantes', 'Nantes', 32, 'Nordlink', 'internet', 7.4, 50],
  ['geneva', 'Geneva', 45, 'Alpen Telecom', 'wan', 5.8, 100],
  ['milan', 'Milan', 120, 'Südkabel', 'wan', 9.6, 100],
  ['turin', 'Turin', 18, 'Südkabel', 'internet', 11.2, 20],
  ['barcelona', 'Barcelona', 75, 'Iberdata', 'wan', 12.5, 100],
  ['madrid', 'Madrid', 160, 'Iberdata', 'wan', 15.1, 200],
  ['porto', 'Porto', 22, 'Iberdata', 'internet', 18.7, 20],
  ['brussels', 'Brussels', 95, 'Nordlink', 'wan', 3.9, 100],
];

/** One for the people of each floor. */
const switchesFor = (users: number): number => 1 + Math.ceil(users / 60);

const branchPlan = (row: (typeof BRANCHES)[number], n: number): SitePlan => {
  const [id, name, users, provider, kind, delayMs, mbit] = row;
  return {
    id,
    name,
    users,
    hub: false,
    address: `127.10.${n + 1}.1`,
    switches: Array.from({ length: switchesFor(users) }, (_, k) => `127.10.${n + 1}.${11 + k}`),
    circuit: {
      id: `${id}-${kind === 'wan' ? 'mpls' : 'inet'}`,
      kind,
      provider,
      reference: `${provider.slice(0, 2).toUpperCase()}-${4100 + 37 * n}`,
      delayMs,
      jitterMs: kind === 'wan' ? 0.3 : 1.2,
      bitsPerSecond: mbit * 1e6,
      load: 0.18 + 0.03 * (n % 5),
    },
  };
};

export const WAN_PLAN: readonly SitePlan[] = [
  { id: 'paris', name: 'Paris', hub: true, users: 420, address: '127.10.0.1', switches: [] },
  ...BRANCHES.map(branchPlan),
];

export const LAB_COMMUNITY = 'public';
