import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import snappy from 'snappyjs';
import type { Series } from '../../../protocol/model/sample.ts';
import type { ForwardedSeries } from '../../ports/remote-write.ts';
import { labelsOf } from './labels.ts';

/** prometheus.WriteRequest of remote write 1.0, snappy block format. */
export type RequestEncoder = (columns: readonly ForwardedSeries[]) => Uint8Array;

/** Labels never change for a series, and are most of a request: encoded once for each. */
export function createEncoder(): RequestEncoder {
  const labelBytes = new WeakMap<Series, Uint8Array>();

  function bytesOf(series: Series): Uint8Array {
    let bytes = labelBytes.get(series);
    if (bytes === undefined) {
      bytes = encodeLabels(series);
      labelBytes.set(series, bytes);
    }
    return bytes;
  }

  return (columns) => {
    const request = new BinaryWriter();
    for (const { series, at, value } of columns) {
      request.tag(1, WireType.LengthDelimited).fork().raw(bytesOf(series));
      for (let i = 0; i < at.length; i++) {
        request.tag(2, WireType.LengthDelimited).fork();
        request.tag(1, WireType.Bit64).double(value[i]!);
        request.tag(2, WireType.Varint).int64(at[i]!).join();
      }
      request.join();
    }
    return snappy.compress(request.finish());
  };
}

/** TimeSeries.labels: repeated Label { name = 1, value = 2 } as field 1. */
function encodeLabels(series: Series): Uint8Array {
  const writer = new BinaryWriter();
  for (const [name, value] of labelsOf(series)) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).string(value).join();
  }
  return writer.finish();
}
