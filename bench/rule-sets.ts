/** Rules in YAML, one a line, and what is asked of them. */
export interface RuleSet {
  readonly rules: readonly string[];
  /** Host and request target, each of another rule. */
  readonly targets: readonly { readonly host: string; readonly target: string }[];
}

/** As many as the smallest set has: sets differ in how many rules there are, not in how much of the machine's cache is asked for. */
const ASKED = 10;

/**
 * Rules of five kinds in equal parts: literal paths and patterns on one large host, both on many small hosts, and paths on any host.
 * Every text has the same length in every set. Ten rules are asked about, from the first to the last part of the set.
 * @param count a multiple of ten, at most 100,000
 */
export function ruleSet(count: number): RuleSet {
  const made = Array.from({ length: count }, (_, index) => rule(index));
  const targets = Array.from({ length: ASKED }, (_, index) => {
    // Two of each kind, wherever the tenth of the set begins.
    const { host, target } = made[Math.floor((index * count) / ASKED / 5) * 5 + (index % 5)] ?? rule(0);
    return { host, target };
  });
  return { rules: made.map(({ yaml }) => yaml), targets };
}

function rule(index: number): { readonly yaml: string; readonly host: string; readonly target: string } {
  const number = String(Math.floor(index / 5)).padStart(5, '0');
  const large = 'api.example.com';
  const small = `app-${number}.example.com`;
  switch (index % 5) {
    case 0:
      return {
        yaml: `{host: ${large}, path: /t${number}/orders, roles: [user]}`,
        host: large,
        target: `/t${number}/orders/4711?tab=items`,
      };
    case 1:
      return {
        yaml: `{host: ${large}, path: "^/t${number}/items/[0-9]+$", regex: true}`,
        host: large,
        target: `/t${number}/items/4711`,
      };
    case 2:
      return {
        yaml: `{host: ${small}, path: /admin, roles: [user, admin]}`,
        host: small,
        target: '/admin/users?page=2',
      };
    case 3:
      return {
        yaml: `{host: ${small}, path: "^/files/[a-z]+/.*$", regex: true}`,
        host: small,
        target: '/files/reports/2026.pdf',
      };
    default:
      return {
        yaml: `{path: /shared/${number}, methods: [GET, POST]}`,
        host: small,
        target: `/shared/${number}/logo.svg`,
      };
  }
}
