import factory from 'ping/lib/builder/factory.js';

export interface PingCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  /** From one echo to the next as the program does it, ms. */
  readonly spacing: number;
}

export interface PingOrder {
  readonly address: string;
  readonly isIpv6: boolean;
  readonly count: number;
  readonly spacing: number;
  readonly timeout: number;
  readonly source?: string | undefined;
  readonly dscp?: number | undefined;
}

/** What iputils allows to everybody; other programs allow less or nothing. */
const MIN_SPACING_MS = 200;
const WINDOWS_SPACING_MS = 1000;

/**
 * Program and arguments for one round; throws where this system's program cannot do it. npm `ping`
 * knows the arguments of each system, and we use it for no more: its own `probe` cannot be stopped,
 * keeps all output, and its parser throws out of reach on a first line of one word.
 */
export function pingCommandOf(order: PingOrder, platform: string = process.platform): PingCommand {
  if (!factory.isPlatformSupport(platform)) throw new Error(`no ping program known on ${platform}`);
  const { address, isIpv6, count, timeout, source, dscp } = order;
  const isLinux = factory.isLinux(platform);
  const isWindows = factory.isWindow(platform);
  if (dscp !== undefined && !isLinux) throw new Error('ping sets DSCP on Linux only');
  const spacing = isWindows ? WINDOWS_SPACING_MS : Math.max(MIN_SPACING_MS, order.spacing);
  const extra = isWindows ? [] : ['-i', String(spacing / 1000)];
  // One `ping` serves both families there; `ping6`, which the package would take, may be missing.
  if (isLinux) extra.push(isIpv6 ? '-6' : '-4');
  if (dscp !== undefined) extra.push('-Q', String(dscp << 2));
  const isBsd = !isLinux && !isWindows;
  const args = factory.createBuilder(platform).getCommandArguments(address, {
    numeric: true,
    // Whole seconds are all that every program takes; what comes after the timeout is not counted.
    timeout: isBsd && isIpv6 ? false : Math.ceil(timeout / 1000),
    min_reply: count,
    v6: isIpv6,
    ...(source === undefined ? {} : { sourceAddr: source }),
    extra,
  });
  const program = factory.getExecutablePath(platform, isIpv6 && !isLinux);
  return { program, arguments: args, spacing };
}
