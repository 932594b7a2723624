// Builds the page into web/dist when its sources are newer, so that `npm start` in a fresh checkout
// needs no second command. Without Vite (an installation without dev dependencies) it does nothing:
// there the page comes ready-made. It must never keep the server from starting.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'web/dist/index.html');
const vite = join(root, 'node_modules/vite/bin/vite.js');

/** Newest change among the files that the page is made of, ms. */
function newestSource() {
  const files = ['web/vite.config.ts', 'web/index.html', 'package-lock.json'];
  for (const entry of readdirSync(join(root, 'web/src'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(root.length));
  return Math.max(...files.map((file) => statSync(join(root, file)).mtimeMs));
}

function isFresh() {
  return existsSync(built) && statSync(built).mtimeMs >= newestSource();
}

if (existsSync(vite) && existsSync(join(root, 'web/src')) && !isFresh()) {
  const { status, stderr, error } = spawnSync(
    process.execPath,
    [vite, 'build', '--config', join(root, 'web/vite.config.ts'), '--logLevel', 'error'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0)
    process.stderr.write(
      `The page could not be built; the server starts without it.\n${stderr || error || ''}\n`,
    );
}
