/** The configuration that `init` writes: everything a first installation looks at, each with a word of why. */
export function template(publicUrl: string): string {
  return `# gatelodge.yaml. Every key with its default is in docs/configuration.md; after a change: gatelodge check

listen: {host: 127.0.0.1, port: 9190}          # where the front server asks; only it should be able to
${`public_url: ${JSON.stringify(publicUrl)}`.padEnd(46)} # where browsers reach gatelodge; a path in it goes in front of all pages
front_server: auto                             # auto nginx caddy traefik envoy haproxy: what plain /validate speaks
trusted_proxies: [127.0.0.0/8, "::1/128"]      # the only peers that are believed: the front server's addresses
data_dir: ./data                               # the database, and the secret that all keys are derived from

# Login may lead back to these origins, besides public_url's own.
allowed_redirects: []                          # ["https://*.example.com"]
# cookie: {domain: example.com}                # hosts that share one login; without it only public_url's host

session: {idle: 1h, lifetime: 12h, remember: 30d} # longest pause, absolute end, end with “remember me”

# Users live in the database (gatelodge users add). Some may stand here instead; a plain password becomes its hash at the
# next start:
# users:
#   - {username: alice, password: change-me-now, email: alice@example.com, roles: [user]}

auth_plugins:                                  # authentication methods: instance name → options (gatelodge plugins)
  session: {}                                  # the login page and its cookie
  basic: {realm: Restricted}                   # user name and password with every request, for programs
  token: {}                                    # access tokens from POST /auth
  apikey: {}                                   # gatelodge keys create

auth:                                          # what rules take for granted
  default_plugins: [session, token, apikey]    # for rules that name none
  default_behavior: authenticated              # what no rule matches: authenticated, unauthenticated or deny

paths:                                         # the first match decides (gatelodge explain URL)
  - {path: /health, authenticate: false}       # this path and all below, for everybody
  - {path: /admin, roles: [admin]}
  - {path: /api, plugins: [basic, token, apikey]}

tests:                                         # run by gatelodge check
  - {request: GET https://app.example.com/health, expect: allow}
  - {request: GET https://app.example.com/healthz, expect: challenge}
  - {request: GET https://app.example.com/, as: {user: alice}, expect: allow}
  - {request: GET https://app.example.com/admin, as: {user: alice, roles: [user]}, expect: deny}
`;
}
