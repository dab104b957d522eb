/**
 * What servers behind a gate make of a request target, each written by itself after that server's own rules. They answer the
 * path on which the application would act, or null where the server refuses.
 */
export type Server = (target: string) => string | null;

/** Absolute-form loses its scheme and authority (RFC 9112 section 3.2.2), and everybody cuts the query off. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/s, '') || '/';
}

/** One layer of percent-encoding, byte for byte; null for NUL and for a bad escape. */
function percentDecoded(text: string, keep: (code: number) => boolean = () => false): string | null {
  if (/%(?![0-9a-f]{2})/i.test(text) || /%00/.test(text)) return null;
  return text.replace(/%([0-9a-f]{2})/gi, (whole, hex) => {
    const code = Number.parseInt(hex, 16);
    return keep(code) ? whole : String.fromCharCode(code);
  });
}

/** `.` and `..`, never above the root. */
function withoutDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '..') {
      if (kept.length > 1) kept.pop();
    } else if (segment !== '.') kept.push(segment);
    if ((segment === '.' || segment === '..') && index === segments.length - 1) kept.push('');
  }
  const path_ = kept.join('/');
  return path_ === '' ? '/' : path_;
}

const merged = (path: string): string => path.replace(/\/{2,}/g, '/');
const slashed = (path: string): string => path.replaceAll('\\', '/');
const then =
  (one: Server, other: Server): Server =>
  (target) => {
    const between = one(target);
    return between === null ? null : other(between);
  };

/** Decodes, merges slashes, resolves dot segments: all in one pass over the decoded text. */
const nginx: Server = (target) => {
  const decoded = percentDecoded(pathOf(target));
  return decoded === null ? null : withoutDots(merged(decoded));
};
const nginxWithoutMerging: Server = (target) => {
  const decoded = percentDecoded(pathOf(target));
  return decoded === null ? null : withoutDots(decoded);
};

/** `AllowEncodedSlashes On`; with `NoDecode` an encoded slash stays as it is. Unix only: a backslash is a letter. */
const apache: Server = (target) => {
  const decoded = percentDecoded(pathOf(target));
  return decoded === null ? null : withoutDots(merged(decoded));
};
const apacheNoDecode: Server = (target) => {
  const decoded = percentDecoded(pathOf(target), (code) => code === 0x2f);
  return decoded === null ? null : withoutDots(merged(decoded));
};

/** Path parameters go first, up to the next slash that stands there plain; then decoding, then normalising, which fails above the root. */
const tomcatWith =
  (options: { solidus: 'decode' | 'keep'; backslash: boolean }): Server =>
  (target) => {
    const bare = pathOf(target).replace(/;[^/]*/g, '');
    let path = percentDecoded(bare, (code) => options.solidus === 'keep' && code === 0x2f);
    if (path === null) return null;
    if (options.backslash) path = slashed(path);
    else if (path.includes('\\')) return null;
    path = merged(path);
    let depth = 0;
    for (const segment of path.split('/').slice(1)) {
      depth += segment === '..' ? -1 : segment === '.' || segment === '' ? 0 : 1;
      if (depth < 0) return null;
    }
    return withoutDots(path);
  };

/** Routes on the path as it came, and nothing else. */
const expressRaw: Server = pathOf;
/** `express.static` and many a file server: decoded once, then joined to a directory. */
const fileServer: Server = (target) => {
  const decoded = percentDecoded(pathOf(target));
  return decoded === null ? null : withoutDots(merged(decoded));
};
/** `new URL(request.url, base).pathname`, as it is and decoded. */
const nodeUrl: Server = (target) => {
  if (!URL.canParse(target, 'http://localhost')) return null;
  return new URL(target, 'http://localhost').pathname;
};
const nodeUrlDecoded: Server = then(nodeUrl, (path) => percentDecoded(path));

/** Decoded, backslashes are slashes, dots and blanks at the end of a name are nothing. */
const iis: Server = (target) => {
  const decoded = percentDecoded(pathOf(target));
  if (decoded === null) return null;
  const names = merged(slashed(decoded)).split('/');
  const trimmed = names.map((name) => {
    const unspaced = name.replace(/ +$/, '');
    return unspaced === '.' || unspaced === '..' ? unspaced : name.replace(/[. ]+$/, '');
  });
  return withoutDots(merged(trimmed.join('/')));
};

/** WSGI and Rack: decoded once, nothing resolved. */
const wsgi: Server = (target) => percentDecoded(pathOf(target));
/** Go's ServeMux and `path.Clean`. */
const goMux: Server = (target) => {
  const decoded = percentDecoded(pathOf(target));
  return decoded === null ? null : withoutDots(merged(decoded)).replace(/(?<=.)\/$/, '');
};

/** Overlong forms taken for what they mean, as old decoders did. */
const oldDecoder: Server = (target) => {
  const decoded = percentDecoded(
    pathOf(target)
      .replace(/%c0%ae/gi, '.')
      .replace(/%c0%af/gi, '/')
      .replace(/%c1%9c/gi, '\\'),
  );
  return decoded === null ? null : withoutDots(merged(slashed(decoded)));
};
/** C strings end at NUL. */
const cString: Server = (target) => {
  const cut = pathOf(target).replace(/%00.*$/s, '');
  const decoded = percentDecoded(cut);
  return decoded === null ? null : withoutDots(merged(decoded));
};

export const SERVERS: Readonly<Record<string, Server>> = {
  nginx,
  nginxWithoutMerging,
  apache,
  apacheNoDecode,
  tomcat: tomcatWith({ solidus: 'keep', backslash: false }),
  tomcatDecoding: tomcatWith({ solidus: 'decode', backslash: true }),
  expressRaw,
  fileServer,
  nodeUrl,
  nodeUrlDecoded,
  iis,
  wsgi,
  goMux,
  oldDecoder,
  cString,
  // `proxy_pass http://app$uri` hands on the decoded path, which is then read once more.
  'nginx $uri, then expressRaw': then(nginx, expressRaw),
  'nginx $uri, then tomcat': then(nginx, tomcatWith({ solidus: 'decode', backslash: true })),
  'nginx $uri, then nodeUrl': then(nginx, nodeUrl),
  'nginx $uri, then iis': then(nginx, iis),
  'apache, then fileServer': then(apacheNoDecode, fileServer),
  'tomcat, then iis': then(tomcatWith({ solidus: 'keep', backslash: true }), iis),
  'wsgi, then nginx': then(wsgi, nginx),
  'iis twice': then(iis, iis),
};
