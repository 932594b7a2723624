import snmp from 'net-snmp';
import type { SnmpCredential } from '../../../protocol/wire/agent-config.ts';
import { failure, SnmpReadError } from './snmp-error.ts';
import { openSessionSocket, type SessionSocket, unreachable } from './snmp-socket.ts';

/** One value as net-snmp hands it over; `value` is not to be trusted to fit `type`. */
export interface Varbind {
  readonly oid: string;
  readonly type: number;
  readonly value: unknown;
}

/** Requests to one device. Every method throws `SnmpReadError`. */
export interface SnmpSession {
  get(oids: readonly string[]): Promise<Varbind[]>;
  /** One list of successors per OID, in the order asked; lists may differ in length. */
  bulk(oids: readonly string[], repetitions: number): Promise<Varbind[][]>;
  /** Engine boots and time as the last authentic v3 answer stated them. */
  engine(): { readonly boots: number; readonly timeS: number } | undefined;
  hasAnswered(): boolean;
  /** Ends what is under way with this error. */
  cancel(error: SnmpReadError): void;
  close(): void;
}

export interface SessionOptions {
  readonly address: string;
  readonly port: number;
  /** For one attempt, ms. */
  readonly timeout: number;
  readonly credential: SnmpCredential;
}

/** Attempts after the first: on a circuit that loses a fifth of its packets, one more is not enough. */
const RETRIES = 2;

/** ResponseInvalidCode.ENotInTimeWindow, which the published types of net-snmp forget. */
const NOT_IN_TIME_WINDOW = 14;

type Finish<T> = (error: Error | null, value?: T) => void;

export async function openSnmpSession(options: SessionOptions): Promise<SnmpSession> {
  const { address, port } = options;
  const socket = await openSessionSocket(address, port);
  const session = createSession(options, socket);
  let engine: { boots: number; timeS: number } | undefined;
  let answered = false;

  session.on('error', () => {
    socket.heard.undecodable++;
  });
  socket.onTrouble = (code) => session.cancelRequests(unreachable(address, port, code));
  guardSecurity(session, options.credential, (message) => {
    answered = true;
    const usm = message.msgSecurityParameters;
    if (usm !== undefined && message.hasAuthentication()) {
      engine = { boots: usm.msgAuthoritativeEngineBoots, timeS: usm.msgAuthoritativeEngineTime };
    }
  });

  const ask = <T>(start: (finish: Finish<T>) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      start((error, value) => {
        if (error === null && value !== undefined) resolve(value);
        else reject(explain(error, options, socket));
      });
    });

  return {
    get: (oids) => ask<Varbind[]>((finish) => session.get([...oids], finish as never)),
    bulk: (oids, repetitions) =>
      ask<Varbind[][]>((finish) => session.getBulk([...oids], 0, repetitions, finish as never)),
    engine: () => engine,
    hasAnswered: () => answered,
    cancel: (error) => session.cancelRequests(error),
    close: () => socket.close(),
  };
}

function createSession(options: SessionOptions, socket: SessionSocket): snmp.Session {
  const { credential } = options;
  const common = {
    port: options.port,
    timeout: options.timeout,
    retries: RETRIES,
    idBitsSize: 32,
    dgramModule: socket.dgram,
  };
  if (credential.version === '2c') {
    return snmp.Session.create(options.address, credential.community, {
      ...common,
      version: snmp.Version2c,
    });
  }
  return snmp.Session.createV3(options.address, toUser(credential), {
    ...common,
    version: snmp.Version3,
  });
}

type V3Credential = Extract<SnmpCredential, { version: '3' }>;

const AUTH = {
  sha: snmp.AuthProtocols.sha,
  sha256: snmp.AuthProtocols.sha256,
  sha512: snmp.AuthProtocols.sha512,
} as const;

/** aes256 extends the key as Blumenthal drafted it, aes256c as Reeder did (Cisco). */
const PRIVACY = {
  aes128: snmp.PrivProtocols.aes,
  aes256: snmp.PrivProtocols.aes256b,
  aes256c: snmp.PrivProtocols.aes256r,
} as const;

function toUser({ user, auth, privacy }: V3Credential): snmp.User {
  if (auth === undefined) {
    if (privacy === undefined) return { name: user, level: snmp.SecurityLevel.noAuthNoPriv };
    throw new SnmpReadError(
      failure('unknown-user', 'a user with a privacy key needs an authentication key too'),
    );
  }
  const signed = { name: user, authProtocol: AUTH[auth.protocol], authKey: auth.key };
  return privacy === undefined
    ? { ...signed, level: snmp.SecurityLevel.authNoPriv }
    : {
        ...signed,
        level: snmp.SecurityLevel.authPriv,
        privProtocol: PRIVACY[privacy.protocol],
        privKey: privacy.key,
      };
}

/** net-snmp takes an unsigned answer to a signed request; a forger could then speak for the device. */
function guardSecurity(
  session: snmp.Session,
  credential: SnmpCredential,
  onAnswer: (message: snmp.Message) => void,
): void {
  const needsAuth = credential.version === '3' && credential.auth !== undefined;
  const needsPrivacy = credential.version === '3' && credential.privacy !== undefined;
  const take = session.onSimpleGetResponse;
  session.onSimpleGetResponse = (req, message) => {
    if ((needsAuth && !message.hasAuthentication()) || (needsPrivacy && !message.hasPrivacy())) {
      req.responseCb(
        new SnmpReadError(
          failure('malformed', 'the answer is not secured as the request was'),
        ) as never,
      );
      return;
    }
    onAnswer(message);
    take.call(session, req, message);
  };
}

/** Turns net-snmp's errors into words that name the fix. */
function explain(
  error: Error | null,
  options: SessionOptions,
  { heard }: SessionSocket,
): SnmpReadError {
  if (error instanceof SnmpReadError) return error;
  // By name: the published types of net-snmp forget this class.
  if (error?.name === 'RequestTimedOutError') {
    return new SnmpReadError(silence(options, heard.datagrams, heard.undecodable));
  }
  if (error instanceof snmp.RequestFailedError) return refused(error);
  if (error instanceof snmp.ResponseInvalidError) return invalid(error, options);
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return unreachable(options.address, options.port, code);
  return new SnmpReadError(failure('malformed', `unusable answer: ${error?.message ?? 'empty'}`));
}

function silence(options: SessionOptions, datagrams: number, undecodable: number) {
  const { credential, port, timeout } = options;
  if (undecodable > 0) {
    return failure('malformed', 'something answers, but what it sends is not SNMP');
  }
  if (credential.version === '2c') {
    return datagrams > 0
      ? failure(
          'timed-out',
          `answers come late or to other requests; waited ${timeout} ms for each`,
        )
      : failure(
          'timed-out',
          `no answer: check the address and the community; is UDP port ${port} open?`,
        );
  }
  if (datagrams === 0) {
    return failure(
      'timed-out',
      `no answer: check the address (and the privacy key); is UDP port ${port} open?`,
    );
  }
  return failure(
    'timed-out',
    credential.privacy === undefined
      ? 'the device speaks SNMPv3, but does not answer this user'
      : 'the device speaks SNMPv3, but does not answer this user: check the privacy key and its algorithm',
  );
}

function refused(error: Error & { status?: unknown }): SnmpReadError {
  const { ErrorStatus } = snmp;
  if (error.status === ErrorStatus.TooBig) {
    return new SnmpReadError(
      failure('malformed', 'the device calls every answer too big'),
      'too-big',
    );
  }
  if (error.status === ErrorStatus.AuthorizationError || error.status === ErrorStatus.NoAccess) {
    return new SnmpReadError(
      failure(
        'not-in-view',
        'the device knows this user or community, but grants it no access: check its view and security level',
      ),
      'refused',
    );
  }
  return new SnmpReadError(
    failure('malformed', `the device answers with an error: ${error.message}`),
    'refused',
  );
}

function invalid(error: Error & { code?: unknown }, { credential }: SessionOptions): SnmpReadError {
  const { message } = error;
  const user = credential.version === '3' ? credential.user : '';
  const { ResponseInvalidCode } = snmp;
  if (message.startsWith('Unknown User Name')) {
    return new SnmpReadError(
      failure('unknown-user', `the device does not know the user "${user}"`),
    );
  }
  if (message.startsWith('Unsupported Security Level')) {
    return new SnmpReadError(
      failure('unknown-user', `the user "${user}" exists there, but not at this security level`),
    );
  }
  if (message.startsWith('Not In Time Window') || message.startsWith('Unknown Engine ID')) {
    return new SnmpReadError(failure('malformed', 'engine and clock do not agree'), 'out-of-sync');
  }
  if (error.code === NOT_IN_TIME_WINDOW) {
    return new SnmpReadError(failure('malformed', 'engine and clock do not agree'), 'out-of-sync');
  }
  if (error.code === ResponseInvalidCode.ECouldNotDecrypt || message.startsWith('Decryption')) {
    return new SnmpReadError(
      failure('wrong-digest', `the privacy key or algorithm of the user "${user}" is wrong`),
    );
  }
  if (error.code === ResponseInvalidCode.EAuthFailure) {
    return new SnmpReadError(
      failure('wrong-digest', `the authentication key or algorithm of the user "${user}" is wrong`),
    );
  }
  return new SnmpReadError(failure('malformed', `unusable answer: ${message}`));
}
