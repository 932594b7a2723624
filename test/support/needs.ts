import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** Things of the machine that a real test may need. `test:deps` installs the programs. */
export type Need =
  | 'snmpd'
  | 'snmpbulkwalk'
  | 'fping'
  | 'chromium'
  | 'nft'
  | 'root'
  | 'netns'
  | 'tun'
  | 'ping'
  | 'prometheus';

const onPath = (program: string): boolean =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin'].some((dir) =>
    existsSync(join(dir, program)),
  );

/** A namespace can be made only with the right capabilities: trying is the only honest check. */
function canMakeNamespaces(): boolean {
  if (process.platform !== 'linux' || !onPath('ip') || process.getuid?.() !== 0) return false;
  const name = `vdt-need-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function canOpenTun(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return canMakeNamespaces();
  } catch {
    return false;
  }
}

function isMissing(need: Need): boolean {
  switch (need) {
    case 'root':
      return process.getuid?.() !== 0;
    case 'netns':
      return !canMakeNamespaces();
    case 'tun':
      return !canOpenTun();
    default:
      return !onPath(need);
  }
}

/**
 * `needs('snmpd')('walks a real agent', () => { test(…) })`: a `describe` that runs where the machine
 * has what is named. Elsewhere it skips with a loud line that names the one command that enables it;
 * under VEDETTE_TEST_ALL=1 a missing thing fails instead, so that CI cannot go green by skipping.
 */
export function needs(...wanted: readonly Need[]): (name: string, body: () => void) => void {
  const missing = wanted.filter(isMissing);
  return (name, body) => {
    if (missing.length === 0) {
      describe(name, body);
      return;
    }
    const text = `needs ${missing.join(', ')}; run: npm run test:deps (as root)`;
    if (process.env['VEDETTE_TEST_ALL'] === '1') {
      describe(name, () => {
        throw new Error(`VEDETTE_TEST_ALL=1, but "${name}" ${text}`);
      });
      return;
    }
    process.stderr.write(`SKIPPED: ${name}: ${text}\n`);
    describe.skip(`${name} (${text})`, body);
  };
}
