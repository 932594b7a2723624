import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Vedette</title>
<h1>Vedette is running</h1>
<p>The page has not been built. In the checkout, run <code>npm run build</code> and start again.</p>
<p>Meanwhile: <a href="/docs">the API</a>, <a href="/api/v1/status">the status as JSON</a>.</p>
</html>`;

/**
 * The built page from `root` (web/dist): names with a hash in them never change, the rest is asked
 * for again each time. Precompressed files (.br, .gz) are sent to those who take them.
 */
export async function registerPage(app: FastifyInstance, root: string): Promise<void> {
  if (!existsSync(join(root, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(NOT_BUILT),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root,
    schemaHide: true,
    dotfiles: 'ignore',
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.includes(`${join(root, 'assets')}`);
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
