import { z } from 'zod';
import type { PluginDefinition } from '../plugins/plugin-api.ts';
import { checkBasic, checkJwt } from './check-plugins.ts';
import type { ConfigurationDocument } from './document.ts';
import type { KeyPath } from './key-path.ts';
import type { TypedInstance } from './load-plugins.ts';
import { type BasicOptions, BUILT_IN_OPTIONS, isBuiltIn, type JwtOptions } from './plugin-options.ts';
import type { Reporter } from './reporter.ts';
import type { Shape } from './resolve.ts';
import { withoutRefused } from './salvage.ts';
import { branches } from './schema-shape.ts';
import { reportRefusals, validate } from './validate.ts';
import { validateForeign } from './validate-foreign.ts';

/** A configured plugin, ready to be made. */
export interface PluginInstanceConfiguration {
  readonly instance: string;
  readonly type: string;
  /** Somebody else's plugin; null for a built-in type. */
  readonly definition: PluginDefinition | null;
  /** What the type's schema made of the options: checked, with every default. */
  readonly options: unknown;
}

/** The two keys that every instance has. They decide what the others mean, so they are never read from files. */
const common = z.object({
  type: z.string().optional().meta({ path: true }),
  module: z.string().optional().meta({ path: true }),
});

/** What may stand below an instance's name. Any zod schema can be looked into; other Standard Schemas cannot. */
export function instanceShape({ type, definition }: TypedInstance): Shape {
  const schema = definition === null ? (isBuiltIn(type) ? BUILT_IN_OPTIONS[type] : null) : definition.options;
  if (schema !== null && '_zod' in schema) {
    // zod marks its own schemas so, also those of another copy of zod.
    return { schemas: [common, ...branches(schema as unknown as z.core.$ZodType)], foreign: null };
  }
  const ownKeys = Object.keys(definition?.optionDescriptions ?? {}).filter((key) => key.endsWith('_file'));
  return { schemas: [common], foreign: ownKeys };
}

/** Validates one instance's options; null where something was reported. */
export async function checkInstance(
  { instance, type, definition }: TypedInstance,
  section: unknown,
  substituted: ReadonlySet<string>,
  document: ConfigurationDocument,
  reporter: Reporter,
): Promise<{ value: unknown } | null> {
  const path: KeyPath = ['auth_plugins', instance];
  if (typeof section !== 'object' || section === null || Array.isArray(section)) return null;
  // A map of the file: its keys are texts.
  const { type: _type, module: _module, ...options } = section as Record<string, unknown>;
  if (definition !== null) return validateForeign(definition, options, path, substituted, reporter);
  if (!isBuiltIn(type)) return null;
  const schema = BUILT_IN_OPTIONS[type];
  const result = validate(schema, options);
  reportRefusals(result.refusals ?? [], path, document, reporter);
  // The checks of several options also look at what is left of refused ones, so that all problems come at once.
  const rest =
    result.refusals === null
      ? result
      : validate(
          schema,
          withoutRefused(
            options,
            result.refusals.map((refusal) => refusal.remove),
          ),
        );
  if (rest.refusals !== null) return null;
  let value: unknown = rest.value;
  // The type has chosen the schema, so the value is of the type's options.
  if (type === 'basic') value = checkBasic(value as BasicOptions, document.file, path, reporter);
  if (type === 'jwt') value = checkJwt(value as JwtOptions, options, path, reporter);
  if (type === 'oidc') {
    const message = 'OpenID Connect is not in this version: this instance lets nobody in yet';
    reporter.report('not-in-this-version', path, message, { severity: 'warning', part: 'key' });
  }
  return result.refusals === null ? { value } : null;
}
