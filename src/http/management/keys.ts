import { apiKeyName } from '../../domain/api-key.ts';
import type { AuditEvent } from '../../domain/audit.ts';
import { errorCodeOf, GatelodgeError } from '../../domain/errors.ts';
import { type KeyManager, managesEverybodysKeys } from '../../domain/key-reach.ts';
import type { User } from '../../domain/user.ts';
import type { CreatedApiKey } from '../../flows/api-keys.ts';
import { readJson, readQuery } from '../bodies.ts';
import { auditRefusal, type Caller, requireCaller } from '../callers.ts';
import { clientAddress, type Endpoint, type PublicContext, type PublicParts } from '../public-parts.ts';
import { keysAnswer, keysQuery, keyWithSecretAnswer, newKeyBody, rotationBody } from './key-schemas.ts';
import { keyView } from './key-view.ts';
import type { Operation } from './operation.ts';

const SCOPE = 'keys';
const CALLERS: Operation['callers'] = { kind: 'management', scope: SCOPE };

/** `/api/v1/keys`: API keys, for whoever may manage them; see KeyManager for how far that goes. */
export function keyEndpoints(parts: PublicParts): readonly Endpoint[] {
  const { apiKeys, directory, respond, audit } = parts;

  async function list(context: PublicContext): Promise<Response> {
    const caller = await requireCaller(parts, context, { scope: SCOPE });
    const { user: username } = readQuery(context.req.url, keysQuery);
    return allowing(caller, context, async (manager) => {
      const user = username === undefined ? null : await userNamed(username, caller, manager);
      const everybodys = user === null && managesEverybodysKeys(manager);
      const keys = await apiKeys.list(everybodys ? null : (user?.id ?? caller.identity.userId ?? ''));
      return respond.json(200, { keys: await Promise.all(keys.map((key) => keyView(key, directory, parts.clock()))) });
    });
  }

  async function create(context: PublicContext): Promise<Response> {
    const caller = await requireCaller(parts, context, { scope: SCOPE });
    const body = await readJson(context.req.raw, newKeyBody);
    return allowing(caller, context, async (manager) => {
      const { name, scopes, roles, networks, not_before: notBefore, expires_at: expiresAt } = body;
      const user = await userNamed(body.user ?? caller.identity.username, caller, manager);
      const created = await apiKeys.create(user, { name, scopes, roles, networks, notBefore, expiresAt }, manager);
      await tell('key.created', created.key, caller, context);
      return withSecret(201, created);
    });
  }

  async function rotate(context: PublicContext, id: string): Promise<Response> {
    const caller = await requireCaller(parts, context, { scope: SCOPE });
    const body = await readJson(context.req.raw, rotationBody, { mayBeMissing: true });
    return allowing(caller, context, async (manager) => {
      const rotated = await apiKeys.rotate(id, body.overlap_seconds * 1_000, manager);
      await tell('key.rotated', rotated.key, caller, context, { overlap: body.overlap_seconds });
      return withSecret(200, rotated);
    });
  }

  async function revoke(context: PublicContext, id: string): Promise<Response> {
    const caller = await requireCaller(parts, context, { scope: SCOPE });
    return allowing(caller, context, async (manager) => {
      const key = await apiKeys.revoke(id, manager);
      await tell('key.revoked', key, caller, context);
      return respond.nothing();
    });
  }

  /** The user of that name. Nobody who manages one user's keys alone learns who else there is. */
  async function userNamed(username: string, caller: Caller, manager: KeyManager): Promise<User> {
    if (!managesEverybodysKeys(manager) && username !== caller.identity.username)
      throw new GatelodgeError('forbidden', 'This key manages the keys of its own user alone.');
    const user = await directory.byUsername(username);
    if (user === null) throw new GatelodgeError('not-found', 'There is no such user.');
    return user;
  }

  async function allowing(
    caller: Caller,
    context: PublicContext,
    run: (manager: KeyManager) => Promise<Response>,
  ): Promise<Response> {
    try {
      return await run(managerOf(caller));
    } catch (error) {
      if (errorCodeOf(error) === 'forbidden') auditRefusal(parts, context, 'forbidden', SCOPE, caller);
      throw error;
    }
  }

  async function withSecret(status: number, { key, text }: CreatedApiKey): Promise<Response> {
    return respond.json(status, { key: text, ...(await keyView(key, directory, parts.clock())) });
  }

  async function tell(
    event: AuditEvent['event'],
    key: CreatedApiKey['key'],
    caller: Caller,
    context: PublicContext,
    detail: AuditEvent['detail'] = {},
  ): Promise<void> {
    const user = (await directory.byId(key.userId))?.username ?? key.userId;
    const by = caller.kind === 'key' ? apiKeyName(caller.key) : 'session';
    const who = { user, actor: caller.identity.username, address: clientAddress(context) };
    audit({ event, ...who, detail: { key: apiKeyName(key), by, ...detail } });
  }

  return [
    {
      path: '/api/v1/keys',
      method: 'GET',
      handle: list,
      operation: {
        ...{
          id: 'listKeys',
          summary: 'Lists API keys, in the order they were made, expired ones too',
          callers: CALLERS,
        },
        query: keysQuery,
        answer: { status: 200, description: 'The keys, without their secrets.', schema: keysAnswer },
        problems: ['forbidden', 'not-found'],
      },
    },
    {
      path: '/api/v1/keys',
      method: 'POST',
      handle: create,
      operation: {
        ...{ id: 'createKey', summary: 'Makes an API key', callers: CALLERS },
        description:
          'A key that is made by a key has no more scopes, roles or networks than that one, and ends no later; for ' +
          'another user it is made by a key with the role admin alone.',
        body: newKeyBody,
        answer: { status: 201, description: 'The key, with its secret.', schema: keyWithSecretAnswer },
        problems: ['forbidden', 'not-found', 'conflict', 'payload-too-large', 'unsupported-media-type'],
      },
    },
    {
      path: '/api/v1/keys/{id}/rotate',
      method: 'POST',
      handle: rotate,
      operation: {
        ...{ id: 'rotateKey', summary: 'Gives an API key a new secret', callers: CALLERS },
        description: 'Everything else stays as it is. The old secret is good until the overlap ends.',
        body: rotationBody,
        answer: { status: 200, description: 'The key, with its new secret.', schema: keyWithSecretAnswer },
        problems: ['forbidden', 'not-found', 'conflict', 'payload-too-large', 'unsupported-media-type'],
      },
    },
    {
      path: '/api/v1/keys/{id}',
      method: 'DELETE',
      handle: revoke,
      operation: {
        ...{ id: 'revokeKey', summary: 'Revokes an API key', callers: CALLERS },
        description: 'It is refused from the next request on.',
        answer: { status: 204, description: 'It is revoked.' },
        problems: ['not-found'],
      },
    },
  ];
}

function managerOf(caller: Caller): KeyManager {
  return caller.kind === 'key'
    ? { kind: 'key', key: caller.key, roles: caller.identity.roles }
    : { kind: 'administrator', id: caller.identity.userId };
}
