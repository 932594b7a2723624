import type { Series } from '../../protocol/model/sample.ts';
import { deviceOf } from '../../protocol/model/subject.ts';
import type { NumberedSeries } from '../ports/history.ts';
import { addColumn, createRound, type Round, type TakenRound } from './round.ts';
import { scaleOf } from './scale.ts';

/** Up to 64 series of one agent that are sampled equally often: they are sealed together. */
export interface Bundle {
  /** The late twin of bundle n, for samples of the past, is -n. */
  readonly id: number;
  readonly key: string;
  readonly rounds: Map<string, Round>;
  /** The series in here; those of a late twin are its live bundle's. */
  readonly slots: Slot[];
  /** Newest input of which everything in here is sealed. */
  sealedTo: number;
  /** First input that is not sealed, when it came, and the first time of its samples; 0 = none. */
  unsealedFrom: number;
  unsealedSince: number;
  firstAt: number;
  lastAt: number;
  /** Rows after which it is sealed. */
  rowsWanted: number;
  isDue: boolean;
  /** Taken out and on the way to the disk; still part of every answer. */
  frozen: Frozen | undefined;
}

export interface Frozen {
  readonly rounds: readonly TakenRound[];
  readonly from: number;
  readonly samples: number;
}

/** Where samples of one series go. */
export interface Slot {
  readonly series: NumberedSeries;
  readonly live: Head;
  late: Head | undefined;
  isNew: boolean;
}

export interface Head {
  readonly bundle: Bundle;
  readonly round: Round;
  /** Of the series, in the rows of the round. */
  readonly place: number;
}

const MEMBERS = 64;
const ROWS = 240;
/** A chunk holds about so much time, whatever the number of its samples. */
export const SPAN_MS = 7_200_000;

/** Bundles and the series in them, by their names and numbers. */
export class HeadBook {
  readonly bundles = new Map<number, Bundle>();
  readonly slots = new Map<string, Slot>();
  readonly #open = new Map<string, Bundle>();
  readonly #sealed: ReadonlyMap<number, number>;
  #nextSeries = 1;
  #nextBundle = 1;

  constructor(known: readonly NumberedSeries[], sealed: ReadonlyMap<number, number>) {
    this.#sealed = sealed;
    for (const id of sealed.keys()) this.#nextBundle = Math.max(this.#nextBundle, Math.abs(id) + 1);
    for (const series of known) {
      this.#nextSeries = Math.max(this.#nextSeries, series.id + 1);
      this.#nextBundle = Math.max(this.#nextBundle, series.bundle + 1);
      const bundle = this.#bundle(series.bundle, bundleKey(series));
      this.#add(series, bundle, false);
      if (bundle.slots.length < MEMBERS) this.#open.set(bundle.key, bundle);
    }
  }

  /**
   * The slot of a series, made if it is new.
   * @param position of the input: a bundle that is sealed beyond it cannot take a new series in,
   *   or a replay would leave out samples that were never sealed
   */
  slot(key: NumberedSeries['key'], series: Series, position: number): Slot {
    const known = this.slots.get(key);
    if (known !== undefined) return known;
    const group = bundleKey(series);
    let bundle = this.#open.get(group);
    if (bundle === undefined || bundle.slots.length >= MEMBERS || bundle.sealedTo >= position) {
      bundle = this.#bundle(this.#nextBundle++, group);
      this.#open.set(group, bundle);
    }
    const { agent, metric, subject, bits, every } = series;
    const numbered: NumberedSeries = {
      id: this.#nextSeries++,
      bundle: bundle.id,
      key,
      agent,
      metric,
      subject,
      ...(bits !== undefined && { bits }),
      ...(every !== undefined && { every }),
    };
    return this.#add(numbered, bundle, true);
  }

  /** Where samples of the past go. */
  late(slot: Slot): Head {
    if (slot.late !== undefined) return slot.late;
    const twin = this.#bundle(-slot.series.bundle, slot.live.bundle.key);
    twin.slots.push(slot);
    slot.late = headOf(twin, slot.series);
    return slot.late;
  }

  #add(series: NumberedSeries, bundle: Bundle, isNew: boolean): Slot {
    const live = headOf(bundle, series);
    const slot: Slot = { series, live, late: undefined, isNew };
    bundle.slots.push(slot);
    this.slots.set(series.key, slot);
    return slot;
  }

  #bundle(id: number, key: string): Bundle {
    const known = this.bundles.get(id);
    if (known !== undefined) return known;
    const bundle: Bundle = {
      id,
      key,
      rounds: new Map(),
      slots: [],
      sealedTo: this.#sealed.get(id) ?? 0,
      unsealedFrom: 0,
      unsealedSince: 0,
      firstAt: 0,
      lastAt: 0,
      // The first time sooner, each at another moment: so they go on being sealed one by one.
      rowsWanted: ROWS / 2 + ((id * 37) % (ROWS / 2)),
      isDue: false,
      frozen: undefined,
    };
    this.bundles.set(id, bundle);
    return bundle;
  }
}

export const sealedAgain = (bundle: Bundle): void => {
  bundle.rowsWanted = ROWS;
};

function headOf(bundle: Bundle, series: NumberedSeries): Head {
  const key = roundKey(series);
  let round = bundle.rounds.get(key);
  if (round === undefined) {
    round = createRound(series.id, bundle.id < 0 ? 0 : rowsOf(series));
    bundle.rounds.set(key, round);
  }
  return { bundle, round, place: addColumn(round, series.id, scaleOf(series.metric)) };
}

/** 0 = nobody knows. */
const rowsOf = ({ every }: NumberedSeries): number =>
  every === undefined || every === 0 ? 0 : Math.min(ROWS, Math.ceil(SPAN_MS / every) + 1);

const bundleKey = ({ agent, every }: Pick<Series, 'agent' | 'every'>): string =>
  `${agent}|${every ?? 0}`;

/** Who is asked at once: a device and its interfaces, or one path by one kind of probe. */
function roundKey({ metric, subject }: Pick<Series, 'metric' | 'subject'>): string {
  const owner = deviceOf(subject) ?? subject;
  const probe = metric.slice(0, metric.indexOf('_'));
  if (metric.includes('_confirm_')) return `${owner}|${probe}|confirm`;
  return probe === 'icmp' || probe === 'stamp' ? `${subject}|${probe}` : `${owner}|snmp`;
}
