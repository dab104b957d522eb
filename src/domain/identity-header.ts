/** Headers that mean something else to the front server, the application or the client: an identity never goes into one. */
const TAKEN = new Set(
  'accept authorization cache-control connection content-encoding content-length content-type cookie date expect host keep-alive location proxy-authorization retry-after set-cookie te trailer transfer-encoding upgrade via www-authenticate x-api-key x-auth-page x-auth-reason x-auth-redirect x-auth-token x-forwarded-for x-forwarded-host x-forwarded-method x-forwarded-port x-forwarded-proto x-forwarded-uri x-real-ip x-request-id'.split(
    ' ',
  ),
);

/** Whether a header of this name may carry a part of an identity. Letters, digits and hyphens: an underscore would have a twin. */
export function isIdentityHeaderName(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    /^[a-z][a-z0-9-]{0,63}$/.test(lower) &&
    !TAKEN.has(lower) &&
    !lower.startsWith('x-original-') &&
    !lower.startsWith('sec-')
  );
}
