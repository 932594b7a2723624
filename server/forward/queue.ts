import type { Parcel } from './parcels.ts';

/** Parcels that wait for one destination; bounded, the oldest give way. */
export interface ParcelQueue {
  /** Returns how many samples had to give way. */
  add(parcel: Parcel): number;
  /** Takes the oldest parcels of one kind (late or not), up to so many samples. */
  take(samples: number): readonly Parcel[];
  samples(): number;
}

export function createParcelQueue(maxSamples: number): ParcelQueue {
  let parcels: Parcel[] = [];
  /** Index of the oldest; what is before it has gone. */
  let oldest = 0;
  let samples = 0;

  function shift(): Parcel {
    const parcel = parcels[oldest++]!;
    samples -= parcel.series.length;
    if (oldest > 1024 && oldest * 2 > parcels.length) {
      parcels = parcels.slice(oldest);
      oldest = 0;
    }
    return parcel;
  }

  return {
    add(parcel) {
      parcels.push(parcel);
      samples += parcel.series.length;
      let dropped = 0;
      while (samples > maxSamples) dropped += shift().series.length;
      return dropped;
    },
    take(most) {
      const taken: Parcel[] = [];
      let size = 0;
      while (oldest < parcels.length) {
        const next = parcels[oldest]!;
        const isOther = taken.length > 0 && next.isLate !== taken[0]!.isLate;
        if (isOther || (taken.length > 0 && size + next.series.length > most)) break;
        taken.push(shift());
        size += next.series.length;
      }
      return taken;
    },
    samples: () => samples,
  };
}
