/** Whom the stacks of the tests know. */
export const ALICE = { username: 'alice', password: 'a long password: ünïcode' } as const;
export const ADMIN = { username: 'olga', password: 'an administrator’s one' } as const;
/** Nothing of hers fits into a header as it stands. */
export const ZOE = { username: 'zoë', password: 'her password', name: 'Zoë 東京, 100%', groups: ['a,b', 'ü'] } as const;

/** The same people, as the `users:` of gatelodge.yaml. */
export const USERS = `
users:
  - {username: ${ALICE.username}, password: "${ALICE.password}", name: Alice Example, email: alice@example.com, roles: [user, "a,b"], groups: [staff]}
  - {username: ${ADMIN.username}, password: "${ADMIN.password}", roles: [admin]}
  - {username: ${ZOE.username}, password: "${ZOE.password}", name: "${ZOE.name}", groups: ${JSON.stringify(ZOE.groups)}}
`;

/** Basic credentials of one of them, as a header field (RFC 7617, UTF-8). */
export function basic({ username, password }: { username: string; password: string }): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
