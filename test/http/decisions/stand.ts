import { configurationSchema } from '../../../src/config/schema.ts';
import { buildGate, type Gate, type GateParts } from '../../../src/decision/access.ts';
import type { PluginInstance } from '../../../src/domain/authentication.ts';
import type { Clock } from '../../../src/domain/clock.ts';
import { networkSet } from '../../../src/domain/network.ts';
import type { IdentityTokens } from '../../../src/flows/identity-tokens.ts';
import { createDecisionEndpoint, type DecisionRecord } from '../../../src/http/decision-endpoint.ts';
import { compileIdentityHeaders } from '../../../src/http/identity-headers.ts';
import { listen } from '../../../src/http/listener.ts';
import { createClientAddresses, createPeers } from '../../../src/http/peer.ts';
import { createRenderer } from '../../../src/http/render.ts';
import { makeIdentity } from '../../../src/plugins/plugin-api.ts';

export interface DecisionStand {
  readonly port: number;
  readonly gate: Gate;
  /** Every decision so far, as the log is told of it. */
  readonly records: DecisionRecord[];
  stop(): Promise<void>;
}

export interface StandOptions {
  /** As in the file; `public_url` is https://auth.example.com unless given. */
  readonly configuration?: Record<string, unknown>;
  readonly plugins?: readonly PluginInstance[];
  readonly clock?: Clock;
  /** A Unix socket instead of a port. */
  readonly socket?: string;
  /** Signs whose a request is. */
  readonly identityTokens?: IdentityTokens;
}

/** The decision path on a real socket, with plugins of the test's own and without a directory. */
export async function decisionStand({
  configuration = {},
  plugins = [],
  clock,
  socket,
  identityTokens,
}: StandOptions): Promise<DecisionStand> {
  const parsed = configurationSchema.parse(configuration);
  const publicUrl = new URL(parsed.public_url ?? 'https://auth.example.com');
  const parts: GateParts = {
    configuration: parsed,
    plugins: new Map(plugins.map((instance) => [instance.name, instance])),
    publicUrl,
    ...(clock === undefined ? {} : { clock }),
  };
  const gate = buildGate(parts);
  const records: DecisionRecord[] = [];
  const trusted = networkSet(parsed.trusted_proxies);
  const { user, roles } = parsed.anonymous;
  const identityHeaders = compileIdentityHeaders(
    parsed.identity_headers,
    plugins.map(({ plugin }) => plugin.identityHeaders ?? {}),
  );
  const decisions = createDecisionEndpoint({
    gate,
    frontServer: parsed.front_server,
    publicScheme: publicUrl.protocol === 'http:' ? 'http' : 'https',
    clientAddressOf: createClientAddresses(trusted),
    render: createRenderer({
      identityHeaders,
      anonymous: user === '' ? null : makeIdentity({ subject: '', username: user, roles, methods: [] }),
      loginUrl: new URL('/login', publicUrl).href,
    }),
    onDecision: (record) => records.push(record),
    ...(identityTokens === undefined ? {} : { identityTokens }),
  });
  const [listener] = parsed.listen;
  if (listener === undefined) throw new RangeError('the schema always gives a listener');
  const listening = await listen(
    socket === undefined
      ? { host: '127.0.0.1', port: 0, serves: listener.serves }
      : { socket, socket_chmod: '600', serves: listener.serves },
    () => ({
      peerOf: createPeers(trusted),
      decisions,
      publicPart: (_message, response) => void response.writeHead(418, { 'Content-Length': '0' }).end(),
      missing: async () => [],
    }),
  );
  return {
    port: socket === undefined ? Number(new URL(listening.address).port) : 0,
    gate,
    records,
    stop: () => listening.stop(0),
  };
}
