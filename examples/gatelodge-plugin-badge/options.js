/**
 * @typedef {object} BadgeOptions
 * @property {string} secret
 * @property {string} home
 * @property {string} path
 * @property {string | null} cookie_domain
 * @property {readonly string[]} roles
 */

/** What `gatelodge plugins` says about each option. */
export const optionDescriptions = {
  secret: 'Signs the badges: 32 characters or more, used for nothing else. `secret_file` reads it from a file.',
  home: 'Absolute URL of the application, where a browser goes with its new badge.',
  path: 'Path of the page that takes a badge, below the base path. Default /badge.',
  cookie_domain: 'Domain of the cookie, such as example.com. Default: the host of the page alone.',
  roles: 'Roles of everybody with a badge. Default [visitor].',
};

/**
 * The options' schema by hand, so that the package needs no other. With zod it is one `z.strictObject({…})`. A message
 * never quotes a value: it may be a secret.
 *
 * @type {import('gatelodge/plugin').StandardSchemaV1<unknown, BadgeOptions>}
 */
export const options = {
  '~standard': {
    version: 1,
    vendor: 'gatelodge-plugin-badge',
    validate(value) {
      const given = /** @type {Record<string, unknown>} */ (value);
      /** @type {{ message: string, path: string[] }[]} */
      const issues = [];
      for (const key of Object.keys(given)) {
        if (!Object.hasOwn(optionDescriptions, key)) issues.push({ message: 'unknown option', path: [key] });
      }
      /**
       * @template T
       * @param {string} key
       * @param {(value: unknown) => value is T} isGood
       * @param {string} message
       * @param {T} [fallback]
       * @returns {T}
       */
      const read = (key, isGood, message, fallback) => {
        const found = given[key] ?? fallback;
        if (!isGood(found)) issues.push({ message, path: [key] });
        // What is not good is never handed on: the issues are answered instead.
        return /** @type {T} */ (found);
      };
      const result = {
        secret: read('secret', isSecret, 'expected 32 characters or more'),
        home: read('home', isUrl, 'expected an absolute https or http URL'),
        path: read('path', isPath, 'expected a path such as /badge', '/badge'),
        cookie_domain: read('cookie_domain', isDomainOrNull, 'expected a domain such as example.com', null),
        roles: read('roles', isNames, 'expected a list of names', ['visitor']),
      };
      return issues.length > 0 ? { issues } : { value: result };
    },
  },
};

/** @param {unknown} value @returns {value is string} */
function isSecret(value) {
  return typeof value === 'string' && value.length >= 32;
}

/** @param {unknown} value @returns {value is string} */
function isUrl(value) {
  return typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

/** @param {unknown} value @returns {value is string} */
function isPath(value) {
  return typeof value === 'string' && /^(?:\/[A-Za-z0-9_-]+)+$/.test(value);
}

/** @param {unknown} value @returns {value is string | null} */
function isDomainOrNull(value) {
  return value === null || (typeof value === 'string' && /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(value));
}

/** @param {unknown} value @returns {value is string[]} */
function isNames(value) {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}
