import { z } from 'zod';
import { lokiUrl, secretText } from './values.ts';

const loki = z.strictObject({
  url: lokiUrl().describe('Its base URL, such as https://loki.example.com, or the whole one of its push call.'),
  username: z.string().min(1).optional().describe('For Basic. May stand in the URL too.'),
  password: secretText().optional().describe('For Basic.'),
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9!_.*'()|-]{1,150}$/, "expected a tenant of letters, digits and !-_.*'()")
    .optional()
    .describe('Sent as `X-Scope-OrgID`.'),
  labels: z
    .record(
      z.string().regex(/^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected a label of letters, digits and underscores'),
      z.string().min(1).max(256),
    )
    .default({})
    .describe('Labels of every line, besides `job: gatelodge` and `level`.'),
});

export const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('What is logged at least.'),
    pretty: z.boolean().default(false).describe('For people: indented lines instead of JSON.'),
    pii: z
      .enum(['hash', 'plain'])
      .default('hash')
      .describe('`hash`: users, e-mails, addresses and session ids are keyed hashes.'),
    loki: z
      .union([lokiUrl(), loki])
      .optional()
      .describe('Lines go to a Loki too: its URL, or a map. See [operations](operations.md#loki).'),
  })
  .prefault({})
  .describe('One JSON line an event, on standard output and, where it is configured, to Loki.');
