import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { WIRE_VERSION } from '../protocol/wire/limits.ts';

const HELP = `vedette version [--json]

Says which Vedette this is, which wire it speaks and which Node runs it.

Examples:
  vedette version
  vedette version --json
`;

/** The version in package.json. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The verb `version`. */
export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const version = ownVersion();
  const { node } = process.versions;
  const platform = `${process.platform}-${process.arch}`;
  if (values.help) process.stdout.write(HELP);
  else if (values.json) {
    console.log(JSON.stringify({ name: 'vedette', version, wire: WIRE_VERSION, node, platform }));
  } else console.log(`vedette ${version} (wire ${WIRE_VERSION}, Node ${node}, ${platform})`);
  return 0;
}
