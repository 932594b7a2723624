import { type TSchema, Type } from 'typebox';
import { duration, Id, SecretRef, strict, Text, Url } from './schema-words.ts';

const headers = <T extends TSchema>(value: T, description: string) =>
  Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }), value, {
    default: {},
    description,
  });

/** Another time series store that is handed every sample (Prometheus remote write 1.0). */
export const RemoteWrite = Type.Object(
  {
    id: Id,
    url: Url,
    bearerToken: Type.Optional(SecretRef),
    headers: headers(Text, 'Sent with every request, for example X-Scope-OrgID'),
    secretHeaders: headers(SecretRef, 'The same, by reference: Authorization: { env: NAME }'),
    every: duration('5s', 'Samples wait at most so long for a request to fill'),
    plainHttp: Type.Boolean({
      default: false,
      description: 'Allow http:// beyond loopback: everybody on the way can read the samples',
    }),
  },
  strict,
);
