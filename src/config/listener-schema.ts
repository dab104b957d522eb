import { z } from 'zod';
import { hostInUrl } from '../domain/access-request.ts';

const serves = z
  .array(z.enum(['decisions', 'public', 'internal']))
  .min(1)
  .default(['decisions', 'public'])
  .describe(
    '`decisions` is /validate, `public` is the rest. `internal`, alone, is what `compat` keeps for internal callers. The health checks are on each.',
  );

const tcp = (port: number) => ({
  host: z
    .string()
    .min(1)
    .refine(
      (host) => URL.canParse(`http://${hostInUrl(host)}`) && !/[/?#@]/.test(host),
      'expected an IP address or a host name',
    )
    .default('127.0.0.1')
    .describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(port).describe('Port; 0 takes any free one.'),
});

const socket = {
  socket: z.string().min(1).describe('Path of a Unix socket, relative to the configuration file.').meta({ path: true }),
  socket_chmod: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected an octal mode in quotes, such as "660"')
    .default('660')
    .describe('Its mode, octal, in quotes.'),
};

export const listener = z.union([z.strictObject({ ...socket, serves }), z.strictObject({ ...tcp(9190), serves })]);

export const metricsListener = z.union([z.strictObject(socket), z.strictObject(tcp(9191))]);

export type Listener = z.output<typeof listener>;
