import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const metadata = new BlockList();
// Link-local holds the metadata services of AWS, Azure, Google, Oracle and ECS (169.254.169.254,
// 169.254.170.2); the others are single addresses outside it.
metadata.addSubnet('169.254.0.0', 16, 'ipv4');
metadata.addAddress('100.100.100.200', 'ipv4');
metadata.addAddress('168.63.129.16', 'ipv4');
metadata.addAddress('192.0.0.192', 'ipv4');
metadata.addSubnet('fe80::', 10, 'ipv6');
metadata.addAddress('fd00:ec2::254', 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const listed = (list: BlockList, address: string): boolean => {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
};

/** Host of a URL without the brackets of IPv6. */
const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** Cloud metadata: whoever reaches it gets credentials of the machine. */
export const isMetadataAddress = (address: string): boolean => listed(metadata, address);

const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || listed(loopback, host);

/** Why messages are not sent to this URL; undefined when they may be. */
export function refusalOf(text: string, allowsPlainHttp: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return 'this is not a URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return `only https:// and http:// are spoken, not ${url.protocol}//`;
  }
  if (url.username !== '' || url.password !== '') return 'a URL must not hold credentials';
  const host = hostOf(url);
  if (isMetadataAddress(host)) return `${host} is a cloud metadata address: never contacted`;
  if (url.protocol === 'http:' && !isLoopbackHost(host) && !allowsPlainHttp) {
    return 'plain http:// leaves this machine readable for all: use https://, or set plainHttp: true';
  }
  return undefined;
}

/** Checks what a name resolves to at the moment of connecting: DNS may point anywhere. */
export const guardedLookup: LookupFunction = (host, options, callback) => {
  systemLookup(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) {
      callback(error, '', 0);
      return;
    }
    const bad = addresses.find(({ address }) => isMetadataAddress(address));
    const first = addresses[0];
    if (bad !== undefined || first === undefined) {
      callback(new Error(`${host} is at ${bad?.address ?? 'no address'}: not contacted`), '', 0);
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
