import { failureDetail } from '../domain/errors.ts';
import type { Change } from '../domain/store.ts';
import type { Core } from './core.ts';

/** Lets caches go of what was changed, here or by another process. */
export function applyChange(core: Core, change: Change | null): void {
  const { directory, liveSessions, liveApiKeys, signingKeys, identityKeys, revocations, loginLimits, log } = core;
  if (change === null || change.kind === 'user') directory.forget(change?.id ?? null);
  if (change?.kind === 'login-attempts') {
    Promise.resolve(directory.byId(change.id))
      .then((user) => (user === null ? undefined : loginLimits.forget(user.username)))
      .catch((error: unknown) => log.write('error', 'login-limits.forget-failed', failureDetail(error)));
  }
  if (change === null || change.kind === 'session') liveSessions.forget(change?.id ?? null);
  if (change === null || change.kind === 'api-key') liveApiKeys.forget(change?.id ?? null);
  if (change?.kind === 'revocation') revocations.add(change.id);
  if (change === null) {
    revocations
      .reload()
      .catch((error: unknown) => log.write('error', 'revocations.reload-failed', failureDetail(error)));
  }
  if (change === null || change.kind === 'signing-key') {
    for (const keys of [signingKeys, identityKeys])
      keys?.reload().catch((error: unknown) => log.write('error', 'signing-keys.reload-failed', failureDetail(error)));
  }
}
