/// <reference path="../../server/adapters/remote-write/snappyjs.d.ts" />
import { BinaryReader } from '@bufbuild/protobuf/wire';
import snappy from 'snappyjs';

export interface ReadSeries {
  readonly labels: readonly (readonly [string, string])[];
  readonly samples: readonly { readonly at: number; readonly value: number }[];
}

/** A remote write request, read by the letter of the protocol's .proto file. */
export function readWriteRequest(body: Uint8Array): ReadSeries[] {
  const found: ReadSeries[] = [];
  eachField(snappy.uncompress(body), (field, reader) => {
    if (field !== 1) throw new Error(`WriteRequest has no field ${field}`);
    found.push(readSeries(reader.bytes()));
  });
  return found;
}

function readSeries(bytes: Uint8Array): ReadSeries {
  const labels: [string, string][] = [];
  const samples: { at: number; value: number }[] = [];
  eachField(bytes, (field, reader) => {
    const one = reader.bytes();
    if (field === 1) {
      const label: [string, string] = ['', ''];
      eachField(one, (part, inner) => {
        label[part - 1] = inner.string();
      });
      labels.push(label);
    } else {
      const sample = { at: 0, value: 0 };
      eachField(one, (part, inner) => {
        if (part === 1) sample.value = inner.double();
        else sample.at = Number(inner.int64());
      });
      samples.push(sample);
    }
  });
  return { labels, samples };
}

function eachField(bytes: Uint8Array, read: (field: number, reader: BinaryReader) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field] = reader.tag();
    read(field, reader);
  }
}
