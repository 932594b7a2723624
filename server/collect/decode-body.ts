import zlib from 'node:zlib';
import type { FastifyRequest, RequestPayload } from 'fastify';

const decoders = {
  zstd: () => zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } }),
  gzip: () => zlib.createGunzip(),
} as const;

/**
 * preParsing hook: decompresses. Fastify's bodyLimit then counts decoded bytes and answers 413, so
 * a bomb costs at most the limit. Counting and destroying here was tried: the error then belongs to
 * nobody and ends the process.
 */
export function decodeBody(request: FastifyRequest, payload: RequestPayload): RequestPayload {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return payload;
  if (!Object.hasOwn(decoders, encoding)) {
    const error = new Error(`Content-Encoding ${encoding.slice(0, 40)} is not understood here.`);
    throw Object.assign(error, { statusCode: 415 });
  }
  const decoder = decoders[encoding as keyof typeof decoders]();
  // The length of what was sent says nothing of what comes out.
  delete request.headers['content-length'];
  // Of a body without length and type Fastify thinks that there is none.
  request.headers['content-type'] ??= 'application/json';
  // After a 413 nobody else listens, and an unheard error would end the process.
  decoder.on('error', () => {});
  payload.on('error', (error: Error) => decoder.destroy(error));
  return Object.assign(payload.pipe(decoder), { receivedEncodedLength: 0 });
}
