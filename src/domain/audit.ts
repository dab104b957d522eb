/** One thing that happened and that somebody may have to account for. Who and where are hashed on the way out unless configured otherwise. */
export interface AuditEvent {
  readonly event:
    | 'decision.refused'
    | 'login.succeeded'
    | 'login.failed'
    | 'login.locked'
    | 'login.unlocked'
    | 'login.address-limited'
    | 'logout'
    | 'token.issued'
    | 'token.refreshed'
    | 'token.reused'
    | 'token.revoked'
    | 'user.created'
    | 'user.changed'
    | 'user.locked'
    | 'user.unlocked'
    | 'user.deleted'
    | 'user.password-changed'
    | 'user.password-rehashed'
    | 'key.created'
    | 'key.rotated'
    | 'key.revoked'
    | 'call.refused'
    | 'session.revoked'
    | 'signing-key.rotated'
    | 'jwthenticator.key-registered'
    | 'jwthenticator.authenticated'
    | 'jwthenticator.refreshed'
    | 'jwthenticator.refused'
    | 'jwthenticator.revoked'
    | 'jwthenticator.imported';
  readonly user?: string;
  /** Who did it to `user`, where that may be somebody else. */
  readonly actor?: string;
  readonly address?: string | null;
  readonly session?: string;
  readonly requestId?: string;
  /** Facts that name nobody: reason, rule, host, plugin instance. */
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

export type AuditSink = (event: AuditEvent) => void;
