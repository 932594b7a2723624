import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { EpochMs } from '../../../protocol/model/units.ts';
import type { TokenStore } from '../../ports/store.ts';

const TOKEN = /^vdt_[A-Za-z0-9_-]{43}$/;
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

interface TokenRow {
  readonly id: string;
  readonly agent: string;
  readonly hash: Uint8Array;
  readonly created_at: EpochMs;
  readonly revoked_at: EpochMs | null;
}

/**
 * Only the SHA-256 is stored: the token is 256 random bits, so there is nothing to guess and no
 * slow hash is needed. Asked of the database at every request, so that a revocation by another
 * process holds at once.
 */
export function createTokenStore(db: DatabaseSync): TokenStore {
  const insert = db.prepare('INSERT INTO tokens (id, agent, hash, created_at) VALUES (?, ?, ?, ?)');
  const byHash = db.prepare('SELECT agent, hash FROM tokens WHERE hash = ? AND revoked_at IS NULL');
  const revoke = db.prepare('UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const all = db.prepare('SELECT * FROM tokens ORDER BY created_at, id');
  return {
    create(agent, now) {
      const token = `vdt_${randomBytes(32).toString('base64url')}`;
      const id = randomBytes(6).toString('hex');
      insert.run(id, agent, sha256(token), now);
      return { id, token };
    },
    verify(token) {
      if (!TOKEN.test(token)) return undefined;
      const hash = sha256(token);
      // The index search is not constant in time, but it only sees the hash, which nobody can aim.
      const row = byHash.get(hash) as Pick<TokenRow, 'agent' | 'hash'> | undefined;
      return row !== undefined && timingSafeEqual(row.hash, hash) ? row.agent : undefined;
    },
    revoke: (id, now) => revoke.run(now, id).changes === 1,
    list: () =>
      (all.all() as unknown as TokenRow[]).map(({ id, agent, created_at, revoked_at }) => ({
        id,
        agent,
        createdAt: created_at,
        ...(revoked_at === null ? {} : { revokedAt: revoked_at }),
      })),
  };
}
